/** Throws unless the address is on this machine: this load ends services that do not expect it. */
export function refuseFarAway(url: string, allowed: boolean): void {
  const { hostname } = new URL(url);
  const near = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
  // Services of a compose network have names without dots.
  if (near || allowed || /^[a-z][a-z0-9-]*$/.test(hostname)) return;
  throw new Error(`${url} is not on this machine: pass --allow-remote if that load is really wanted there`);
}

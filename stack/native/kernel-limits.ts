import { readFileSync, writeFileSync } from 'node:fs';

/** With Linux's defaults a burst of 10,000 connections overflows the accept queues and users wait for repeated SYNs. */
const wanted = [
  { name: 'net.core.somaxconn', value: '65535' },
  { name: 'net.ipv4.tcp_max_syn_backlog', value: '65535' },
  // Every connection to one port of this machine needs a local port. All ports of ours are below.
  { name: 'net.ipv4.ip_local_port_range', value: '20000 65535' },
];

/** The ports of native instances: where connections may start from them, one may hold the port of a server that restarts. */
const reserved = '8080-8081,13001-13064,13306,14000-16379,19101-19132';
const reservedFile = '/proc/sys/net/ipv4/ip_local_reserved_ports';

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number);

/** A range is enough when it is at least as wide, a single number when it is at least as high. */
function isEnough(present: string, value: string): boolean {
  const size = (text: string) => numbers(text).reduceRight((high, low) => high - low);
  return size(present) >= size(value);
}

function reservePorts(): string[] {
  try {
    const present = readFileSync(reservedFile, 'utf8').trim();
    if (reserved.split(',').every((range) => present.split(',').includes(range))) return [];
    writeFileSync(reservedFile, [present, reserved].filter(Boolean).join(','));
    return ['net.ipv4.ip_local_reserved_ports: our ports added'];
  } catch {
    // Matters only where the range of local ports was widened downwards.
    return [];
  }
}

/** Raises what is too low for the burst, machine-wide, where that is allowed. @returns lines for people */
export function raiseKernelLimits(): string[] {
  const raised = wanted.flatMap(({ name, value }) => {
    const file = `/proc/sys/${name.replaceAll('.', '/')}`;
    try {
      const present = readFileSync(file, 'utf8').trim().replaceAll('\t', ' ');
      if (isEnough(present, value)) return [];
      try {
        writeFileSync(file, value);
        return [`${name}: raised from ${present} to ${value}`];
      } catch {
        return [`${name} is ${present}; for full bursts: sudo sysctl -w ${name}="${value}"`];
      }
    } catch {
      return [];
    }
  });
  return [...raised, ...reservePorts()];
}

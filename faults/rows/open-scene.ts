import type { Scene } from '../row.js';

/** Methods as functions: rows take a scene apart. */
export const open = (scene: Scene): Scene => ({
  ...scene,
  world: scene.world,
  random: scene.random,
  client: scene.client,
  couponId: scene.couponId,
  rate: scene.rate,
  injections: scene.injections,
  inject: scene.inject.bind(scene),
  times: scene.times.bind(scene),
  pause: scene.pause.bind(scene),
  expectDeadLetters: scene.expectDeadLetters.bind(scene),
  note: scene.note.bind(scene),
});

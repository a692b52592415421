// Made by NNoM. This file is yours. `node test.mjs [FILE]`: the self tests, and a run of zeros, or of the float32 values of a file
// with one sample after another for the first model; its stored outputs go to FILE.out.
import { readFileSync, writeFileSync } from "node:fs";
import "./page.js";
import "./models.js";

const core = await nnomLoad(NNOM_WASM);
for (const model of NNOM_MODELS) {
  if (core[`${model.name}_selftest`]() !== 0) {
    console.log(`${model.name}: self test FAILED`);
    process.exit(1);
  }
  console.log(`${model.name}: self test passed`);
  const values = nnomRun(core, model, model.inputs.map((count) => new Array(count).fill(0)));
  const best = values.indexOf(Math.max(...values));
  console.log(`${model.name}: class ${best}, ${Math.trunc(1000 * values[best])}/1000`);
}
if (process.argv[2]) {
  const [model] = NNOM_MODELS;
  const bytes = readFileSync(process.argv[2]);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const stored = [];
  for (let at = 0; at + model.inputs[0] <= all.length; at += model.inputs[0]) {
    nnomRun(core, model, [all.subarray(at, at + model.inputs[0])]);
    stored.push(Buffer.from(new Uint8Array(core.memory.buffer, core[`${model.name}_bytes`](), model.bytes)));
  }
  writeFileSync(`${process.argv[2]}.out`, Buffer.concat(stored));
}

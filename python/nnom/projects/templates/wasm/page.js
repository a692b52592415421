// Made by NNoM. This file is yours. Runs the models of models.wasm, in a page or in node; nothing is sent anywhere.
globalThis.NNOM_MODELS = @@described;

// The bytes of models.wasm, as models.js holds them, compiled; wasi's functions are never called.
globalThis.nnomLoad = async function (base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const module = await WebAssembly.compile(bytes);
  const stubs = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (stubs[from] ??= {})[name] = () => {
      throw new Error(`${name} is not here`);
    };
  }
  return (await WebAssembly.instantiate(module, stubs)).exports;
};

// inputs: an array of numbers for each input. The output's values; an Error if the model says that something is wrong.
globalThis.nnomRun = function (core, model, inputs) {
  inputs.forEach((values, k) => {
    const at = core[`${model.name}_inputs${k || ""}`]();
    new Float32Array(core.memory.buffer, at, model.inputs[k]).set(values);
  });
  const status = core[`${model.name}_run`]();
  if (status !== 0) {
    throw new Error(`${model.name}: status ${status}`);
  }
  return Array.from(new Float32Array(core.memory.buffer, core[`${model.name}_outputs`](), model.outputs));
};

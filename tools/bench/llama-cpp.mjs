// Runs llama.cpp for `moetier bench --compare`: loads a model, then does what each line on standard input asks for and
// answers with one line.
//
//   node llama-cpp.mjs ADDON_FOLDER MODEL.gguf THREADS CONTEXT
//
//   -> ready NAME                   when the model is loaded
//   <- prompt 1 5 9                 evaluate these tokens at once in an empty context
//   -> done SECONDS
//   <- generate 1 5 9 : 20 33       the same, then one token after another; only the latter are timed
//   -> done SECONDS
//   -> failed REASON                instead of either
//
// The addon of node-llama-cpp is called directly: its evaluation loop would add its own time to each token.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {basename, join} from "node:path";
import {createInterface} from "node:readline";

const answer = line => process.stdout.write(line + "\n");

async function load(folder, modelPath, threads, context) {
    const addon = createRequire(import.meta.url)(join(folder, "llama-addon.node"));
    let backend = "";
    addon.setLogger((level, message) => {
        const loaded = /loaded CPU backend from (\S+)/.exec(message);
        backend = loaded ? basename(loaded[1], ".so").replace("libggml-cpu-", "") : backend;
    });
    addon.setLoggerLogLevel(6);
    addon.loadBackends(folder);
    await addon.init();
    addon.setLoggerLogLevel(2);
    const model = new addon.AddonModel(modelPath, {useMmap: true, gpuLayers: 0, addonExports: addon});
    if (!await model.init())
        throw new Error("the model cannot be loaded");
    const llama = new addon.AddonContext(model, {
        contextSize: context, batchSize: context, sequences: 1, flashAttention: "auto", threads
    });
    if (!await llama.init())
        throw new Error("there is no memory for its context");
    const release = JSON.parse(readFileSync(join(folder, "_nlcBuildMetadata.json"), "utf8")).buildOptions.llamaCpp.release;
    return {llama, name: `llama.cpp ${release}, CPU backend ${backend || "of unknown kind"}, ${llama.getThreads()} threads`};
}

/** Evaluates tokens from a position on and has the logits after the last one computed. */
async function evaluate(llama, tokens, position) {
    llama.initBatch(tokens.length);
    llama.addToBatch(0, position, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1));
    await llama.decodeBatch();
}

async function measure(llama, request) {
    const [opening, following] = request.split(":").map(part => part.match(/\d+/g)?.map(Number) ?? []);
    llama.disposeSequence(0);
    let begin = performance.now();
    await evaluate(llama, opening, 0);
    if (following) {
        begin = performance.now();
        for (let i = 0; i < following.length; i++)
            await evaluate(llama, [following[i]], opening.length + i);
    }
    return (performance.now() - begin) / 1000;
}

try {
    const [folder, modelPath, threads, context] = process.argv.slice(2);
    const {llama, name} = await load(folder, modelPath, Number(threads), Number(context));
    answer("ready " + name);
    for await (const request of createInterface({input: process.stdin}))
        answer("done " + await measure(llama, request));
} catch (error) {
    answer("failed " + String(error?.message ?? error).replaceAll("\n", " "));
    process.exitCode = 1;
}
process.exit();

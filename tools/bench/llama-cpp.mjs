// Runs llama.cpp for `moetier bench --compare` and `moetier race`: loads a model, then does what each line on standard
// input asks for and answers with one line.
//
//   node llama-cpp.mjs ADDON_FOLDER MODEL.gguf THREADS CONTEXT [mapped|copied|direct [BACKENDS_LEFT_OUT]]
//
//   -> ready NAME                   when the model is loaded
//   <- prompt 1 5 9                 evaluate these tokens at once in an empty context
//   -> done SECONDS
//   <- append 20                    evaluate these behind what is there, one after another
//   -> done SECONDS
//   <- generate 1 5 9 : 20 33       evaluate the first at once in an empty context, and append the others, which alone
//                                   are timed
//   -> done SECONDS
//   -> failed REASON                instead of any of these
//
// The model is mapped unless it is to be copied, through the page cache or by direct reads past it. Of llama.cpp's
// backends for this kind of processor, some rewrite weights in a layout of their own, in memory that is not the file's;
// those named, separated by commas, are left out.
//
// The addon of node-llama-cpp is called directly: its evaluation loop would add its own time to each token.
import {mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {basename, join, resolve} from "node:path";
import {createInterface} from "node:readline";

const answer = line => process.stdout.write(line + "\n");

/** Loads the best backend for this processor, but for those left out. */
function loadBackends(addon, folder, leftOut) {
    const links = mkdtempSync(join(tmpdir(), "moetier-peer-"));
    try {
        const unwanted = leftOut.map(name => `libggml-cpu-${name}.so`);
        for (const file of readdirSync(folder).filter(name => name.endsWith(".so") && !unwanted.includes(name)))
            symlinkSync(resolve(folder, file), join(links, file));
        addon.loadBackends(links);
    } finally {
        rmSync(links, {recursive: true});
    }
}

async function load(folder, modelPath, threads, context, loading, leftOut) {
    const addon = createRequire(import.meta.url)(join(folder, "llama-addon.node"));
    let backend = "";
    addon.setLogger((level, message) => {
        const loaded = /loaded CPU backend from (\S+)/.exec(message);
        backend = loaded ? basename(loaded[1], ".so").replace("libggml-cpu-", "") : backend;
    });
    addon.setLoggerLogLevel(6);
    loadBackends(addon, folder, leftOut);
    await addon.init();
    addon.setLoggerLogLevel(2);
    const model = new addon.AddonModel(modelPath, {
        useMmap: loading === "mapped", useDirectIo: loading === "direct", gpuLayers: 0, addonExports: addon
    });
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

let length = 0;

async function prompt(llama, tokens) {
    llama.disposeSequence(0);
    await evaluate(llama, tokens, 0);
    length = tokens.length;
}

async function append(llama, tokens) {
    for (const token of tokens)
        await evaluate(llama, [token], length++);
}

async function timed(work) {
    const begin = performance.now();
    await work();
    return (performance.now() - begin) / 1000;
}

async function measure(llama, request) {
    const [tokens, following] = request.split(":").map(part => part.match(/\d+/g)?.map(Number) ?? []);
    if (request.startsWith("append"))
        return timed(() => append(llama, tokens));
    const seconds = await timed(() => prompt(llama, tokens));
    return following ? timed(() => append(llama, following)) : seconds;
}

try {
    const [folder, modelPath, threads, context, loading = "mapped", leftOut = ""] = process.argv.slice(2);
    const {llama, name} =
        await load(folder, modelPath, Number(threads), Number(context), loading, leftOut.split(","));
    answer("ready " + name);
    for await (const request of createInterface({input: process.stdin}))
        answer("done " + await measure(llama, request));
} catch (error) {
    answer("failed " + String(error?.message ?? error).replaceAll("\n", " "));
    process.exitCode = 1;
}
process.exit();

package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.SeeingGguf;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.GgmlType;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.HubDouble.Fault;
import io.moetier.testdata.HubDouble.Request;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Models by names: from a hub, which is a double on this machine, and from the folders of other programs.
class PullTest {
    private static final String FILE = "Tiny-Q8_0.gguf";

    @TempDir
    Path home = Path.of("");

    private final Map<String, String> variables = new HashMap<>();
    private byte[] gguf = {};
    private HubDouble server;

    @BeforeEach
    void start() throws IOException {
        server = HubDouble.start();
        Path file = home.resolve("tiny.gguf");
        new TinyGguf().write(file);
        gguf = Files.readAllBytes(file);
        Files.delete(file);
        server.put("org/tiny-GGUF", Map.of(FILE, gguf, "Tiny-F16.gguf", new byte[100], "README.md", new byte[3]));
        Map<String, byte[]> checkpoint = new HashMap<>();
        for (String name : new String[] {"config.json", "model.safetensors"}) {
            checkpoint.put(name, Files.readAllBytes(TestData.golden("mixtral").resolve(name)));
        }
        checkpoint.put("notes.py", new byte[5]);
        server.put("org/tiny", checkpoint);
        variables.put("HF_ENDPOINT", server.endpoint().toString());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private CommandLineRun moetier(String... arguments) {
        return CommandLineRun.inProcess(variables, home, arguments);
    }

    private CommandLineRun ok(String... arguments) {
        CommandLineRun run = moetier(arguments);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }

    private Path snapshot(String repository) {
        return home.resolve(".cache/huggingface/hub")
                .resolve("models--" + repository.replace("/", "--"))
                .resolve("snapshots")
                .resolve(server.commit(repository));
    }

    @Test
    void aCheckpointIsPulledAndRun() {
        CommandLineRun pull = ok("pull", "hf:org/tiny");
        assertEquals(snapshot("org/tiny") + "\n", pull.out());
        assertTrue(pull.err().startsWith("hf:org/tiny: safetensors ("), pull.err());
        assertTrue(pull.err().contains("pulling hf:org/tiny: 2 files, "), pull.err());
        assertTrue(pull.err().contains("pull 100 % of "), pull.err());
        assertFalse(Files.exists(snapshot("org/tiny").resolve("notes.py")));
        CommandLineRun run = ok("run", "hf:org/tiny", "--ids", "1,2,3", "-n", "2", "--temp", "0");
        assertEquals(
                ok("run", TestData.golden("mixtral").toString(), "--ids", "1,2,3", "-n", "2", "--temp", "0")
                        .out(),
                run.out());
        assertTrue(ok("inspect", "hf:org/tiny").out().contains("mixtral"));
    }

    /// Gigabytes would come only to be refused by the import.
    @Test
    void whatNoImportReadsIsRefusedBeforeItIsDownloaded() throws IOException {
        assertRefusedUnread(
                "{\"model_type\":\"llama\"}", "{}", "hf:org/other/config.json: model_type: expected a family that");
        String config = mixtral("\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}");
        assertRefusedUnread(
                config,
                "{\"norm.weight\":{\"dtype\":\"F16\"},\"w1.qweight\":{\"dtype\":\"I32\"}}",
                "hf:org/other/model.safetensors: tensor w1.qweight: expected a weight that is read, found one quantised"
                        + " by awq");
        assertRefusedUnread(
                mixtral("\"quantization\":{\"bits\":4}"), "{\"w1.weight\":{\"dtype\":\"U32\"}}", "quantised by mlx");
    }

    private static String mixtral(String more) throws IOException {
        return Files.readString(TestData.golden("mixtral").resolve("config.json"))
                .replaceFirst("\\{", "{" + more + ",");
    }

    private void assertRefusedUnread(String config, String header, String sentence) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        byte[] weights = ByteBuffer.allocate(1 << 20)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .put(text)
                .array();
        server.put(
                "org/other",
                Map.of("config.json", config.getBytes(StandardCharsets.UTF_8), "model.safetensors", weights));
        CommandLineRun pull = moetier("pull", "hf:org/other");
        assertEquals(Failure.FAILED, pull.exitCode());
        assertTrue(pull.err().contains(sentence), pull.err());
        assertFalse(pull.err().contains("pulling"), pull.err());
        assertFalse(Files.exists(home.resolve(".cache/huggingface/hub/models--org--other")));
    }

    @Test
    void aModelInGgufThatNoImportReadsIsRefusedAsAFileHereIs() throws IOException {
        for (TinyGguf refused : List.of(
                new TinyGguf().putWhole("general.architecture", "qwen3"),
                new TinyGguf().put("expert_count", 0),
                new TinyGguf().remove("output_norm.weight"),
                new TinyGguf().tensor("blk.0.attn_q.weight", GgmlType.I64, 64, 64),
                new TinyGguf()
                        .putWhole("tokenizer.ggml.model", "other")
                        .putWhole("tokenizer.ggml.tokens", List.of("a")))) {
            Path file = refused.write(home.resolve("Other-Q8_0.gguf"));
            server.put("org/other", Map.of("Other-Q8_0.gguf", Files.readAllBytes(file)));
            CommandLineRun here = moetier("run", file.toString(), "--ids", "1", "-n", "1");
            for (String[] command :
                    new String[][] {{"run", "hf:org/other", "--ids", "1", "-n", "1"}, {"pull", "hf:org/other:Q8_0"}}) {
                CommandLineRun there = moetier(command);
                assertEquals(Failure.FAILED, there.exitCode());
                String sentence = here.err().lines().reduce("", (_, last) -> last);
                assertTrue(
                        there.err().endsWith(sentence.replace(file.toString(), "hf:org/other/Other-Q8_0.gguf") + "\n"),
                        () -> there.err() + here.err());
                assertFalse(there.err().contains("pulling"), there.err());
            }
            assertFalse(Files.exists(home.resolve(".cache/huggingface/hub/models--org--other")));
        }
    }

    /// Their names do not always tell.
    @Test
    void whatGoesWithAModelIsPulledThoughItIsNone() throws IOException {
        byte[] tower = Files.readAllBytes(SeeingGguf.tower(2).write(home.resolve("tower.gguf")));
        byte[] sums = Files.readAllBytes(
                new TinyGguf().putWhole("general.type", "imatrix").write(home.resolve("sums.gguf")));
        server.put("org/beside", Map.of("tower.gguf", tower, "sums.gguf", sums));
        ok("pull", "hf:org/beside:tower.gguf", "hf:org/beside:sums.gguf");
    }

    @Test
    void aQuantisationIsChosenAndTheTokenIsSent() {
        variables.put("HF_TOKEN", "secret");
        CommandLineRun pull = ok("pull", "hf:org/tiny-GGUF:q8_0");
        assertEquals(snapshot("org/tiny-GGUF").resolve(FILE) + "\n", pull.out());
        assertTrue(server.requests().stream()
                .allMatch(request -> request.token().equals(request.atStore() ? "" : "Bearer secret")));
        CommandLineRun none = moetier("pull", "hf:org/tiny-GGUF");
        assertEquals(Failure.USAGE, none.exitCode());
        assertTrue(
                none.err().startsWith("moetier: hf:org/tiny-GGUF has 2 models; choose one: :F16 (100 B), :Q8_0 ("),
                none.err());
    }

    @Test
    void theTokenIsTakenFromItsFile() throws IOException {
        Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(home.resolve(".cache/huggingface/token"), "kept\n");
        ok("pull", "hf:org/tiny");
        assertEquals("Bearer kept", server.requests().getFirst().token());
    }

    @Test
    void withoutTheHubWhatIsThereIsUsed() {
        variables.put("HF_HUB_OFFLINE", "1");
        CommandLineRun missing = moetier("inspect", "hf:org/tiny");
        assertEquals(Failure.FAILED, missing.exitCode());
        assertTrue(missing.err().contains("hf:org/tiny is not in "), missing.err());
        variables.remove("HF_HUB_OFFLINE");
        ok("pull", "hf:org/tiny");
        variables.put("HF_HUB_OFFLINE", "1");
        server.forget();
        ok("inspect", "hf:org/tiny");
        assertEquals(0, server.requests().size());
    }

    @Test
    void aRefusalIsOneSentence() {
        server.fail(request -> Fault.status(403, Map.of("X-Error-Code", "GatedRepo")));
        CommandLineRun run = moetier("run", "hf:org/tiny", "Once");
        assertEquals(Failure.FAILED, run.exitCode());
        assertEquals(
                "moetier: hf:org/tiny: its owner asks for consent; agree to the conditions on " + server.endpoint()
                        + "/org/tiny and set HF_TOKEN to a token of that account\n",
                run.err());
    }

    @Test
    void lmStudiosFilesAreUsedWhereTheyLie() throws IOException {
        Path folder = Files.createDirectories(home.resolve(".lmstudio/models/org/tiny-GGUF"));
        Path file = Files.write(folder.resolve(FILE), gguf);
        CommandLineRun pull = ok("pull", "hf:org/tiny-GGUF:Q8_0");
        assertEquals(file + "\n", pull.out());
        assertTrue(pull.err().contains("is used where it lies"), pull.err());
        assertEquals(0, server.requests().stream().filter(Request::isOfFile).count());
        String name = "lmstudio:org/tiny-GGUF/" + FILE;
        ok("inspect", name);
        assertTrue(ok("list").out().contains(name));
        CommandLineRun rm = moetier("rm", "--yes", name);
        assertEquals(Failure.USAGE, rm.exitCode());
        assertTrue(rm.err().contains("belongs to LM Studio"), rm.err());
        assertTrue(Files.exists(file));
    }

    @Test
    void ollamasBlobsAreUsedWhereTheyLie() throws IOException {
        String sha256 = HubDouble.etag(FILE, gguf);
        Path models = home.resolve(".ollama/models");
        Path blob = models.resolve("blobs/sha256-" + sha256);
        Path manifest = models.resolve("manifests/registry.ollama.ai/library/tiny/8b");
        Files.createDirectories(blob.resolveSibling(""));
        Files.createDirectories(manifest.resolveSibling(""));
        Files.write(blob, gguf);
        Files.writeString(
                manifest,
                "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.license\", \"digest\": \"sha256:00\"},"
                        + " {\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:" + sha256
                        + "\", \"size\": " + gguf.length + "}]}");
        ok("inspect", "ollama:tiny:8b");
        ok("plan", "ollama:tiny:8b", "--device", "rtx4090");
        CommandLineRun inspect = ok("inspect", "hf:org/tiny-GGUF:Q8_0");
        assertTrue(inspect.err().contains("is used where it lies"), inspect.err());
        assertEquals(0, server.requests().stream().filter(Request::isOfFile).count());
        assertTrue(ok("list").out().contains("ollama:tiny:8b"));
        CommandLineRun rm = moetier("rm", "--yes", "ollama:tiny:8b");
        assertTrue(rm.err().contains("remove it by: ollama rm tiny:8b"), rm.err());
        assertTrue(Files.exists(blob));
        CommandLineRun other = moetier("inspect", "ollama:tiny");
        assertTrue(other.err().contains("Ollama has no such model in " + models + " or "), other.err());
        CommandLineRun hostile = moetier("inspect", "ollama:../../tiny");
        assertEquals(Failure.USAGE, hostile.exitCode());
    }

    /// Ollama keeps some models a tensor in each blob.
    @Test
    void aModelOfOllamasInAnotherFormatIsNotCalledMissing() throws IOException {
        Path manifest = home.resolve(".ollama/models/manifests/registry.ollama.ai/library/tiny/latest");
        Files.createDirectories(manifest.resolveSibling(""));
        Files.writeString(
                manifest,
                "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.tensor\", \"digest\": \"sha256:"
                        + "0".repeat(64) + "\", \"size\": 1}]}");
        assertEquals(
                "moetier: " + manifest + ": layers: expected a model in a GGUF file that is there, found none\n",
                moetier("inspect", "ollama:tiny").err());
    }

    @Test
    void aFolderOfOllamasThatCannotBeLookedIntoIsNamedSo() throws IOException {
        Path loop = Files.createSymbolicLink(home.resolve("loop"), Path.of("loop"));
        variables.put("OLLAMA_MODELS", loop.toString());
        String error = moetier("inspect", "ollama:tiny").err();
        assertTrue(error.contains("Ollama has no such model in " + loop + " (Too many levels of symbolic"), error);
    }

    @Test
    void modelsAreListedAndRemoved() throws IOException {
        assertEquals(
                "there are no models; pull hf:ORG/REPO gets one\n", ok("list").out());
        ok("run", "hf:org/tiny", "--ids", "1", "-n", "1");
        ok("pull", "hf:org/tiny-GGUF:Q8_0");
        String list = ok("list").out();
        assertTrue(list.matches("(?s).*hf:org/tiny +\\S+ \\S+ +safetensors +\\d{4}-\\d\\d-\\d\\d +yes.*"), list);
        assertTrue(list.matches("(?s).*hf:org/tiny-GGUF +\\S+ \\S+ +GGUF +\\d{4}-\\d\\d-\\d\\d +no.*"), list);
        CommandLineRun asked = moetier("rm", "hf:org/tiny");
        assertEquals(Failure.USAGE, asked.exitCode());
        assertEquals("moetier: nobody is there to be asked; --yes removes without asking\n", asked.err());
        CommandLineRun rm = ok("rm", "--yes", "hf:org/tiny", "hf:org/tiny-GGUF");
        assertTrue(rm.err().contains("removed: hf:org/tiny (") && rm.err().contains("and its store)"), rm.err());
        assertEquals(
                "there are no models; pull hf:ORG/REPO gets one\n", ok("list").out());
        assertFalse(Files.exists(home.resolve(".cache/huggingface/hub/models--org--tiny")));
        CommandLineRun again = moetier("rm", "--yes", "hf:org/tiny");
        assertEquals("moetier: hf:org/tiny is not among the names of list\n", again.err());
        assertEquals(
                "moetier: '' is not among the names of list\n",
                moetier("rm", "").err());
    }

    @Test
    void aStoreIsListedAndRemovedByItself() throws IOException {
        ok("run", TestData.golden("mixtral").toString(), "--ids", "1", "-n", "1");
        String list = ok("list").out();
        assertTrue(list.matches("(?s).*mixtral-[0-9a-f]{8} +\\S+ \\S+ +store .*"), list);
        ok("rm", "--yes", list.lines().skip(1).findFirst().orElseThrow().replaceFirst(" .*", ""));
        assertEquals(
                "there are no models; pull hf:ORG/REPO gets one\n", ok("list").out());
    }

    @Test
    void whatTheHubsCacheHasGoesBeforeLmStudios() throws IOException {
        Path folder = Files.createDirectories(home.resolve(".lmstudio/models/org/tiny-GGUF"));
        Path other = new TinyGguf().put("context_length", 16).write(folder.resolve("Tiny-F16.gguf"));
        server.put("org/tiny-GGUF", Map.of(FILE, gguf, "Tiny-F16.gguf", Files.readAllBytes(other)));
        ok("pull", "hf:org/tiny-GGUF:Q8_0");
        Files.write(folder.resolve(FILE), new byte[gguf.length]); // as long, and another
        Path snapshot = snapshot("org/tiny-GGUF");
        assertEquals(
                snapshot.resolve(FILE) + "\n",
                ok("pull", "hf:org/tiny-GGUF:Q8_0").out());
        assertEquals(
                snapshot.resolve("Tiny-F16.gguf") + "\n",
                ok("pull", "hf:org/tiny-GGUF@" + server.commit("org/tiny-GGUF") + ":F16")
                        .out());
    }

    @Test
    void aCommitThatIsThereIsNotAskedFor() {
        String name = "hf:org/tiny@" + server.commit("org/tiny");
        ok("inspect", name);
        server.forget();
        ok("inspect", name);
        assertEquals(0, server.requests().size());
    }

    @Test
    void theOnlyModelThatIsHereNeedNotBeTheOnlyOneThereIs() {
        ok("pull", "hf:org/tiny-GGUF:Q8_0");
        server.forget();
        String here = ok("inspect", "hf:org/tiny-GGUF@" + server.commit("org/tiny-GGUF"))
                .err();
        assertTrue(here.contains("), the only model of it that is here\n"), here);
        assertEquals(0, server.requests().size());
        variables.put("HF_HUB_OFFLINE", "1");
        String offline = ok("inspect", "hf:org/tiny-GGUF").err();
        assertTrue(offline.contains("), the only model of it that is here\n"), offline);
    }

    @Test
    void aHubThatFailsIsAskedOnceWhereACopyIsThere() {
        ok("pull", "hf:org/tiny");
        server.forget();
        server.fail(request -> Fault.status(503, Map.of()));
        CommandLineRun inspect = ok("inspect", "hf:org/tiny");
        assertTrue(inspect.err().contains("the hub fails (503); taking what is there of hf:org/tiny"), inspect.err());
        assertEquals(1, server.requests().size());
        CommandLineRun plan = ok("plan", "hf:org/tiny", "--device", "rtx4090");
        assertTrue(plan.err().contains("; taking what is there of hf:org/tiny"), plan.err());
    }

    @Test
    void aWrongTargetIsFoundBeforeTheModelIsAskedFor() throws IOException {
        CommandLineRun extension = moetier("import", "hf:org/tiny", "--out", "x.gguf");
        assertEquals(Failure.USAGE, extension.exitCode());
        Path there = Files.createDirectories(home.resolve("there.mtier"));
        CommandLineRun exists = moetier("import", "hf:org/tiny", "--out", there.toString());
        assertTrue(exists.err().contains("--force replaces it"), exists.err());
        assertEquals(0, server.requests().size());
    }

    @Test
    void aRepositoryWithoutAModelIsRemoved() {
        ok("pull", "hf:org/tiny-GGUF:README.md");
        String list = ok("list").out();
        assertTrue(list.matches("(?s).*hf:org/tiny-GGUF +3 B +other files .*"), list);
        CommandLineRun rm = ok("rm", "--yes", "hf:org/tiny-GGUF");
        assertEquals("removed: hf:org/tiny-GGUF (3 B, other files)\n", rm.err());
        assertFalse(Files.exists(home.resolve(".cache/huggingface/hub/models--org--tiny-GGUF")));
    }

    @Test
    void aPlanIsMadeOfWhatIsThereOffline() {
        ok("pull", "hf:org/tiny");
        variables.put("HF_HUB_OFFLINE", "1");
        CommandLineRun plan = ok("plan", "hf:org/tiny", "--device", "rtx4090");
        assertTrue(plan.err().contains("; taking what is there of hf:org/tiny"), plan.err());
        CommandLineRun missing = moetier("plan", "hf:org/tiny-GGUF:Q8_0", "--device", "rtx4090");
        assertTrue(missing.err().contains("HF_HUB_OFFLINE"), missing.err());
    }

    @Test
    void theStoreWithATowerGoesToo() throws IOException {
        Path model = SeeingGguf.model().write(home.resolve("seeing.gguf"));
        Path tower = SeeingGguf.tower(2).write(home.resolve("mmproj.gguf"));
        server.put("org/seeing", Map.of("seeing.gguf", Files.readAllBytes(model)));
        ok("run", "hf:org/seeing", "--ids", "1", "-n", "1");
        ok("run", "hf:org/seeing", "--ids", "1", "-n", "1", "--mmproj", tower.toString());
        assertEquals(2, ok("list").out().lines().count());
        CommandLineRun rm = ok("rm", "--yes", "hf:org/seeing");
        assertTrue(rm.err().endsWith(" and its stores)\n"), rm.err());
        assertEquals(
                "there are no models; pull hf:ORG/REPO gets one\n", ok("list").out());
    }
}

package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.SeeingGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pictures for a model in a GGUF file, whose tower is in another one.
class TowerOptionsTest {
    @TempDir
    Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void writeModel() throws IOException {
        model = SeeingGguf.model().write(directory.resolve("model.gguf"));
    }

    @Test
    void theFileBesideTheModelIsTakenAndSaid() throws IOException {
        Path tower = SeeingGguf.tower(2).write(directory.resolve("mmproj-F32.gguf"));
        CommandLineRun first = answer();
        assertEquals(Failure.OK, first.exitCode(), first::err);
        assertTrue(
                first.err().contains("pictures are read with " + tower + ", which was found beside the model"),
                first::err);
        CommandLineRun again = answer("--mmproj", tower.toString());
        assertEquals(first.out(), again.out());
        CommandLineRun inspected = run("inspect", model.toString());
        assertTrue(
                inspected
                        .out()
                        .lines()
                        .anyMatch(line -> line.matches(
                                "pictures +read with \\Q" + tower + "\\E, which was found beside the model")),
                inspected::out);
    }

    @Test
    void theNamedFileIsTaken() throws IOException {
        List<float[]> logits = new ArrayList<>();
        for (int seed = 2; seed < 4; seed++) {
            Path tower = SeeingGguf.tower(seed).write(directory.resolve("mmproj-" + seed + ".gguf"));
            Path out = directory.resolve("logits-" + seed + ".safetensors");
            CommandLineRun run = show("logits", "-o", out.toString(), "--mmproj", tower.toString());
            assertEquals(Failure.OK, run.exitCode(), run::err);
            try (SafetensorsFile file = SafetensorsFile.open(out)) {
                logits.add(file.readFloats("logits"));
            }
        }
        assertNotEquals(List.of(logits.get(0)[47]), List.of(logits.get(1)[47]));
        String second = directory.resolve("mmproj-3.gguf").toString();
        CommandLineRun explained = show("explain", "--mmproj", second);
        assertEquals(Failure.OK, explained.exitCode(), explained::err);
        CommandLineRun recorded = show("trace", "record", "--mmproj", second, "--out", directory + "/t.jsonl.gz");
        assertEquals(Failure.OK, recorded.exitCode(), recorded::err);
        Path store = directory.resolve("a.mtier");
        CommandLineRun imported = run(
                "import",
                model.toString(),
                "-o",
                store.toString(),
                "--mmproj",
                directory.resolve("mmproj-2.gguf").toString());
        assertEquals(Failure.OK, imported.exitCode(), imported::err);
        assertTrue(Files.exists(store.resolve("preprocessor_config.json")));
        assertEquals(
                SeeingGguf.IMAGE_TOKEN,
                Json.readObject(store.resolve("config.json")).requireInt("image_token_id"));
        CommandLineRun refused = run("run", store.toString(), "--ids", "1", "--mmproj", "mmproj-2.gguf");
        assertEquals(
                "mmproj-2.gguf has the tower of a model in a GGUF file; " + store + " is a store already",
                refused.err().strip().replaceFirst("^\\w+: ", ""));
    }

    @Test
    void ofSeveralFilesOneHasToBeNamed() throws IOException {
        SeeingGguf.tower(2).write(directory.resolve("mmproj-BF16.gguf"));
        SeeingGguf.tower(2).write(directory.resolve("mmproj-F16.gguf"));
        CommandLineRun run = answer();
        assertNotEquals(Failure.OK, run.exitCode());
        assertTrue(
                run.err()
                        .contains(
                                model + ": pictures are not read: several files beside the model have a tower for them"
                                        + " (mmproj-BF16.gguf, mmproj-F16.gguf); --mmproj names the file of one"),
                run::err);
        CommandLineRun text = run("run", model.toString(), "--ids", "1,2", "-n", "2", "--temp", "0");
        assertEquals(Failure.OK, text.exitCode(), text::err);
    }

    @Test
    void withoutAFilePicturesAreRefused() {
        CommandLineRun run = answer();
        assertNotEquals(Failure.OK, run.exitCode());
        assertTrue(
                run.err()
                        .contains(model + ": pictures are not read: no file beside the model has a tower for them;"
                                + " --mmproj names the file of one"),
                run::err);
        CommandLineRun missing =
                answer("--mmproj", directory.resolve("none.gguf").toString());
        assertTrue(missing.err().contains("none.gguf: no such file or directory"), missing::err);
        assertFalse(missing.err().contains("at io.moetier"), missing::err);
    }

    @Test
    void modelsThatNeedNoFileTakeNone() {
        Path tower = directory.resolve("model.gguf");
        CommandLineRun checkpoint =
                run("run", TestData.golden("mixtral").toString(), "--ids", "1", "--mmproj", tower.toString());
        assertTrue(
                checkpoint
                        .err()
                        .contains(tower + " has the tower of a model in a GGUF file; " + TestData.golden("mixtral")
                                + " is none"),
                checkpoint::err);
        CommandLineRun inspected = run(
                "inspect", TestData.golden("mixtral").resolve("config.json").toString(), "--mmproj", tower.toString());
        assertTrue(inspected.err().contains("--mmproj: expected a model in a GGUF file, found "), inspected::err);
    }

    private CommandLineRun answer(String... more) {
        List<String> words = new ArrayList<>(List.of("-n", "3", "--temp", "0"));
        words.addAll(List.of(more));
        return show("run", words.toArray(String[]::new));
    }

    private CommandLineRun show(String command, String... more) {
        List<String> words = new ArrayList<>(List.of(command));
        words.addAll(List.of(more));
        words.addAll(List.of(model.toString(), "--ids", "1,2,7,3", "--image"));
        words.add(TestData.golden("internvl_qwen3_moe").resolve("image.png").toString());
        return run(words.toArray(String[]::new));
    }

    private CommandLineRun run(String... words) {
        return CommandLineRun.inProcess(directory.resolve("cache"), words);
    }
}

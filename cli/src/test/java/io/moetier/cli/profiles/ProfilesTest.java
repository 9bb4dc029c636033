package io.moetier.cli.profiles;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfilesTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String OTHER = TestData.golden("mixtral").toString();

    @TempDir
    Path directory = Path.of("");

    private Path cache() {
        return directory.resolve("cache");
    }

    @Test
    void listShowsModelsAndTokens() {
        assertTrue(ok("list").startsWith("no profiles yet: "));
        learn(TINY, "code", "1,2,3");
        learn(TINY, "stories", "1,5,9");
        List<String> lines = ok("list").lines().toList();
        assertEquals(3, lines.size());
        assertTrue(lines.get(1).matches("code +tiny-mixtral \\([0-9a-f]{8}\\) +6 +6 tokens +\\d{4}-.*"), lines.get(1));
        JsonObject first = json("list", "--json").requireObjects("profiles").getFirst();
        assertEquals("code", first.requireString("name"));
        assertEquals(6, first.requireDouble("tokens"));
        assertEquals(6, first.requireInt("learnt_tokens"));
        learn(TINY, "short", "1", "1");
        assertTrue(ok("list").contains(" 1 token  "), ok("list"));
        assertTrue(ok("show", "short").contains(" from 1 token\n"), ok("show", "short"));
        CommandLineRun nearest = CommandLineRun.inProcess(cache(), "run", TINY, "--ids", "1", "-n", "1");
        assertTrue(nearest.err().contains(" the nearest to what 1 token chose; "), nearest.err());
    }

    @Test
    void aDamagedProfileIsNamedAndCanBeRemoved() throws IOException {
        learn(TINY, "code", "1,2,3");
        learn(TINY, "stories", "1,2,3");
        Path census = file(".code.census.json");
        Files.writeString(census, "{}");
        CommandLineRun run = run("list");
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().startsWith("moetier: " + census + ": "), run.err());
        assertEquals(2, run.out().lines().count());
        learn(OTHER, "code", "1,2,3");
        String removes = run.err().strip().replaceAll(".*; profiles (rm .*) removes it$", "$1");
        ok(removes.split(" "));
        assertEquals(3, ok("list").lines().count());
    }

    @Test
    void showHasTheExpertsOfEachLayerAndWhatOthersDiffer() {
        learn(TINY, "code", "1,2,3");
        learn(TINY, "stories", "400,900,77");
        JsonObject shown = json("show", "code", "--json");
        assertEquals(8, shown.requireObjects("layers").size());
        assertTrue(shown.requireObject("bits_per_choice_from").requireDouble("stories") > 0);
        String text = ok("show", "code");
        assertTrue(text.contains("\nfrom stories  "), text);
        assertTrue(text.lines().filter(line -> line.contains(" of 16")).count() == 8, text);
        refused("NAME: expected one of code, stories, found 'x'", "show", "x");
        refused("NAME: expected a name other than auto and none, found 'auto'", "show", "auto");
    }

    @Test
    void whatIsExportedIsImportedAsItWas() throws IOException {
        learn(TINY, "code", "1,2,3");
        Path exported = directory.resolve("code.profile");
        ok("export", "code", exported.toString());
        if (exported.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(exported)));
        }
        byte[] census = Files.readAllBytes(file(".code.census.json"));
        byte[] learnt = Files.readAllBytes(file(".code.learnt"));
        refused(
                exported + ": the profile code is there already; expected --merge, --replace or --as NAME",
                "import",
                exported.toString());
        ok("rm", "code");
        assertTrue(ok("list").startsWith("no profiles yet"));
        ok("import", exported.toString());
        assertArrayEquals(census, Files.readAllBytes(file(".code.census.json")));
        assertArrayEquals(learnt, Files.readAllBytes(file(".code.learnt")));
        ok("import", exported.toString(), "--merge");
        assertEquals(12, tokens("code"), 0.01);
        ok("import", exported.toString(), "--replace");
        assertEquals(6, tokens("code"));
        ok("import", exported.toString(), "--as", "anna.code");
        assertEquals(6, tokens("anna.code"));
        refused("--merge and --replace: expected one of them", "import", exported.toString(), "--merge", "--replace");
    }

    @Test
    void whatAReplacedProfileHadLearntGoesWithIt() throws IOException {
        learn(TINY, "code", "1,2,3");
        Path census = file(".code.census.json");
        Path counted = archive(
                "counted",
                "profile.json",
                "{\"format\":\"moetier-profile/1\",\"fingerprint\":\"%s\",\"name\":\"code\"}"
                        .formatted(String.valueOf(census.getFileName()).replace(".code.census.json", "")),
                "census.json",
                Files.readString(census));
        ok("import", counted.toString(), "--merge");
        assertEquals(6, learntTokens("code"));
        ok("import", counted.toString(), "--replace");
        assertEquals(0, learntTokens("code"));
        assertEquals(6, tokens("code"));
    }

    @Test
    void nothingIsAddedWhereWhatWasLearntIsDamaged() throws IOException {
        learn(TINY, "code", "1,2,3");
        Path exported = directory.resolve("code.profile");
        ok("export", "code", exported.toString());
        byte[] census = Files.readAllBytes(file(".code.census.json"));
        Path learnt = Files.writeString(file(".code.learnt"), "x");
        refused(learnt + ": ", "import", exported.toString(), "--merge");
        assertArrayEquals(census, Files.readAllBytes(file(".code.census.json")));
        ok("import", exported.toString(), "--replace");
        assertEquals(6, learntTokens("code"));
    }

    @Test
    void aProfileIsKeptForACopyOfTheModel() throws IOException {
        learn(TINY, "code", "1,2,3");
        learn(OTHER, "code", "1,2,3");
        refused("--model: 'code' is kept for several models, expected one of ", "show", "code");
        Path exported = directory.resolve("code.profile");
        ok("export", "code", exported.toString(), "--model", "tiny-mixtral");
        refused(
                exported + ": census.json: expected the experts of the model, found others",
                "import",
                exported.toString(),
                "--for",
                OTHER,
                "--replace");
        Path copy = directory.resolve("copy.mtier");
        CommandLineRun.inProcess(directory.resolve("other"), "import", TINY, "--out", copy.toString());
        ok("import", exported.toString(), "--for", copy.toString(), "--as", "copied");
        assertEquals(6, tokens("copied"));
    }

    @Test
    void whatIsNoExportedProfileIsRefused() throws IOException {
        Path text = Files.writeString(directory.resolve("text"), "no archive");
        refused(text + ": format: expected an exported profile, found something else", "import", text.toString());
        Path missing = directory.resolve("missing");
        refused(missing + ": no such file", "import", missing.toString());
        Path empty = archive("empty");
        refused(empty + ": format: expected an exported profile, found no profile.json", "import", empty.toString());
        String head = "{\"format\":\"moetier-profile/1\",\"fingerprint\":\"%s\",\"name\":\"%s\"}";
        Path outside = archive("outside", "profile.json", head.formatted("../../x", "code"));
        refused(outside + ": fingerprint: expected a word, found ../../x", "import", outside.toString());
        Path reserved = archive("reserved", "profile.json", head.formatted("x", "none"));
        refused(reserved + ": name: expected the name of a profile, found none", "import", reserved.toString());
        Path cut = archive(
                "cut",
                "profile.json",
                head.formatted("x", "code"),
                "census.json",
                "{\"format\":\"moe-census/1\",\"tokens\":1,\"layers\":[]}",
                "learnt",
                "moelrnt1");
        refused(cut + ": size: expected at least 24 bytes, found 8", "import", cut.toString());
        assertFalse(Files.exists(cache().resolve("census")));
    }

    /// Whatever a file holds it is read, or refused in a sentence that begins with its name.
    @Test
    void aDamagedArchiveIsReadOrRefused() throws IOException {
        learn(TINY, "code", "1,2,3");
        Path exported = directory.resolve("code.profile");
        ok("export", "code", exported.toString());
        byte[] whole = Files.readAllBytes(exported);
        Path damaged = directory.resolve("damaged");
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            byte[] bytes = Arrays.copyOf(whole, seed % 3 == 0 ? random.nextInt(whole.length) : whole.length);
            for (int i = 0; i < 1 + seed % 4 && bytes.length > 0; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            Files.write(damaged, bytes);
            try {
                ProfileArchive.read(damaged);
            } catch (MalformedModelException e) {
                assertTrue(String.valueOf(e.getMessage()).startsWith(damaged.toString()), "seed " + seed + ": " + e);
            }
        }
    }

    @Test
    void allAreRemovedOrNone() {
        learn(TINY, "code", "1,2,3");
        refused("NAME: expected one of code, found 'x'", "rm", "code", "x");
        assertEquals(6, tokens("code"));
    }

    @Test
    void compareShowsWhatBeginningWithAProfileBrings() {
        String trace = TestData.trace("gpt-oss-20b_misc_small").toString();
        String table = ok("compare", trace, trace, "--budgets", "75%", "--policy", "lru");
        List<String[]> rows = table.lines()
                .filter(line -> line.contains(" 75%"))
                .map(line -> line.replace(" %", "").strip().split(" +"))
                .toList();
        assertEquals(2, rows.size(), table);
        double[] rates = Arrays.stream(rows.getFirst())
                .skip(3)
                .mapToDouble(Double::parseDouble)
                .toArray();
        assertEquals(5, rates.length, table);
        assertTrue(rates[1] > rates[0], table);
        for (int i = 2; i < rates.length; i++) {
            assertEquals(rates[1], rates[i], table);
        }
        refused(
                "--budgets: expected a share above 0% and up to 100% of all experts, found '4G'",
                "compare", trace, trace, "--budgets", "4G");
        refused("--policy: expected one of lru, lfu,", "compare", trace, trace, "--policy", "nope");
        refused(
                "expected room for the top-4 experts of one layer, found 0 slots",
                "compare",
                trace,
                trace,
                "--budgets",
                "0.01%");
    }

    private Path archive(String name, String... namesAndTexts) throws IOException {
        Path file = directory.resolve(name + ".profile");
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (int i = 0; i < namesAndTexts.length; i += 2) {
                zip.putNextEntry(new ZipEntry(namesAndTexts[i]));
                zip.write(namesAndTexts[i + 1].getBytes(StandardCharsets.UTF_8));
                zip.closeEntry();
            }
        }
        return file;
    }

    private void learn(String model, String profile, String ids) {
        learn(model, profile, ids, "4");
    }

    private void learn(String model, String profile, String ids, String predict) {
        CommandLineRun run = CommandLineRun.inProcess(
                cache(),
                "run",
                model,
                "--ids",
                ids,
                "-n",
                predict,
                "--temp",
                "0",
                "--device",
                "cpu",
                "--policy",
                "gate",
                "--profile",
                profile);
        assertEquals(Failure.OK, run.exitCode(), run.err());
    }

    private double tokens(String profile) {
        return json("show", profile, "--json").requireDouble("tokens");
    }

    private int learntTokens(String profile) {
        return json("show", profile, "--json").requireInt("learnt_tokens");
    }

    private Path file(String end) throws IOException {
        try (Stream<Path> files = Files.list(cache().resolve("census"))) {
            return files.filter(file -> file.toString().endsWith(end))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private void refused(String sentence, String... args) {
        CommandLineRun run = run(args);
        assertTrue(run.exitCode() == Failure.USAGE || run.exitCode() == Failure.FAILED, run.err());
        assertTrue(run.err().startsWith("moetier: " + sentence), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
    }

    private JsonObject json(String... args) {
        return Json.parseObject(ok(args).getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    private String ok(String... args) {
        CommandLineRun run = run(args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }

    private CommandLineRun run(String... args) {
        return CommandLineRun.inProcess(
                cache(), Stream.concat(Stream.of("profiles"), Stream.of(args)).toArray(String[]::new));
    }
}

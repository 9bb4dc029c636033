package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.QuickJvm;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What `tools/dist` makes runs wherever it is unpacked, and needs nothing of the machine but `/usr/bin`.
class ReleaseTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());

    @TempDir
    static Path directory = Path.of("");

    /// The release, unpacked.
    private static Path release = Path.of("");

    /// Runs a shell under these variables and `PATH` and `HOME`, and nothing else of this process's environment.
    private static CommandLineRun run(String variables, String script) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        List<String> command = new ArrayList<>(List.of("env", "-i", "PATH=/usr/bin"));
        command.add("HOME=" + directory.resolve("home"));
        command.add(QuickJvm.VARIABLE);
        command.addAll(List.of(variables.split(" ")));
        command.addAll(List.of("sh", "-c", script));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.resolve("home").toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        try (ChildProcess process = ChildProcess.start(builder)) {
            return new CommandLineRun(process.waitFor(), Files.readString(out), Files.readString(err));
        }
    }

    /// Runs a command of the release, with arguments as the shell reads them.
    private static CommandLineRun moetier(String arguments) throws IOException, InterruptedException {
        return run("LC_ALL=C", "exec ../moved/bin/moetier " + arguments);
    }

    private static void ok(String arguments) throws IOException, InterruptedException {
        CommandLineRun run = moetier(arguments);
        assertEquals(0, run.exitCode(), run.err());
    }

    @BeforeAll
    static void unpack() throws IOException, InterruptedException {
        ChildProcess.Ended packed = ChildProcess.run(
                new ProcessBuilder("sh", ROOT.resolve("tools/dist").toString(), "--built", directory.toString()));
        assertEquals(0, packed.exitCode(), packed.said());
        Path archive = Path.of(packed.said().strip());
        assertTrue(archive.getFileName().toString().matches("moetier-[0-9.]+-linux-\\w+\\.tar\\.gz"), packed::said);
        Files.createDirectories(directory.resolve("home"));
        release = directory.resolve("moved");
        CommandLineRun unpacked = run("A=" + archive, "mkdir ../moved && tar -xf $A --strip-components=1 -C ../moved");
        assertEquals(0, unpacked.exitCode(), unpacked.err());
        importModel();
    }

    /// Imports a model with a chat template, so that what reads templates has its part in the answers.
    private static void importModel() throws IOException, InterruptedException {
        Path model = Files.createDirectories(directory.resolve("model"));
        try (Stream<Path> files = Files.list(TestData.tinyMixtral().toAbsolutePath())) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        Files.writeString(
                model.resolve("chat_template.jinja"), "{% for m in messages %}{{ m.content | trim }}{% endfor %}");
        ok("import ../model --quant q4_0 --out ../tiny.mtier");
    }

    private static Path jar(String name) throws IOException {
        try (Stream<Path> jars = Files.list(release.resolve("app/lib"))) {
            return jars.filter(jar -> jar.getFileName().toString().startsWith(name + "-"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void itSaysItsVersion() throws IOException, InterruptedException {
        String jar = jar("moetier-storage").getFileName().toString();
        assertEquals(
                jar.replaceAll("moetier-storage-(.*)[.]jar", "moetier $1\n"),
                moetier("--version").out());
    }

    /// From another folder, through a link whose name has blanks, under locales that are no UTF-8 or do not exist.
    @ParameterizedTest
    @ValueSource(strings = {"LC_ALL=C", "LANG=de_DE.ISO-8859-1"})
    void itAnswersAsThisProcessDoes(String locale) throws IOException, InterruptedException {
        String[] options = {"-n", "5", "--temp", "0", "--profile", "none"};
        Path link = directory.resolve("a link");
        if (!Files.exists(link)) {
            Files.createSymbolicLink(link, release.resolve("bin/moetier"));
        }
        CommandLineRun run = run(
                locale,
                "exec '../a link' run ../tiny.mtier " + String.join(" ", options)
                        + " \"$(printf 'Once, caf\\303\\251')\"");
        List<String> here =
                new ArrayList<>(List.of("run", directory.resolve("tiny.mtier").toString()));
        here.addAll(List.of(options));
        here.add("Once, caf\u00e9");
        CommandLineRun expected = CommandLineRun.inProcess(directory.resolve("cache"), here.toArray(String[]::new));
        assertEquals(0, expected.exitCode(), expected.err());
        assertEquals(0, run.exitCode(), run.err());
        assertEquals(expected.out(), run.out());
    }

    @Test
    void exitCodesAreThoseOfTheProgram() throws IOException, InterruptedException {
        assertEquals(1, moetier("inspect ../absent").exitCode());
        CommandLineRun wrong = moetier("--nonsense");
        assertEquals(2, wrong.exitCode());
        assertTrue(wrong.err().startsWith("moetier: "), wrong.err());
    }

    /// What each of these loads, others do not.
    @Test
    void theRuntimeHasWhatCommandsLoad() throws IOException, InterruptedException {
        ok("explain ../tiny.mtier --report ../explained.html Once");
        ok("trace show " + TestData.trace("gpt-oss-20b_misc_small").toAbsolutePath());
    }

    /// TLS, names of hosts and what libraries of clusters ask the runtime for are there.
    @Test
    void aNodeComputesForARun() throws IOException, InterruptedException {
        String script = "../moved/bin/moetier node --cluster r --name a --port 0 --ram 40M >../node & node=$!;"
                + " until grep -q '^node' ../node; do kill -0 $node && sleep 0.1 || exit 1; done;"
                + " P=$(sed -n 's/^node a of cluster r at \\([^ ]*\\): .*/\\1/p' ../node);"
                + " ../moved/bin/moetier run ../tiny.mtier Once -n 3 --ram 2M --cluster r --nodes always --join $P &&"
                + " ../moved/bin/moetier cluster drain a --cluster r --join $P && wait $node";
        CommandLineRun run = run("LC_ALL=C", script);
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().endsWith("node a leaves\n"), run.out());
    }

    /// It has all classes that every start loads.
    @Test
    void itsCacheOfClassesIsTakenFromWhereItWasUnpacked() throws IOException, InterruptedException {
        assertTrue(Files.size(release.resolve("app/moetier.aot")) > 0);
        String options = "MOETIER_JAVA_OPTS='-XX:AOTMode=on -Xlog:class+load'";
        CommandLineRun run = run("LC_ALL=C", options + " exec ../moved/bin/moetier --version");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("picocli.CommandLine source: shared objects file"), run.out());
        assertFalse(run.out().contains("source: file:"), run.out());
    }

    /// Where native code is built at all, the level that asks least of a processor is among those that are shipped.
    @Test
    void nativeCodeIsForAnyProcessor() throws IOException {
        try (JarFile kernels = new JarFile(jar("moetier-kernels").toFile())) {
            for (var library : kernels.stream()
                    .filter(entry -> entry.getName().endsWith("/libmoetier.so"))
                    .toList()) {
                String code = new String(kernels.getInputStream(library).readAllBytes(), StandardCharsets.ISO_8859_1);
                String least = library.getName().contains("x86_64") ? "v3" : "dotprod";
                assertTrue(code.contains("moetier_multiply_" + least), library.getName());
            }
        }
    }
}

package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.ChildProcess.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The script that compiles the kernels, on machines that lack what it would like to have.
class NativeBuildTest {
    private static final Path SCRIPT =
            Path.of("src", "main", "native", "build.sh").toAbsolutePath();

    @TempDir
    Path scratch;

    @Test
    void withoutACompilerItSaysSoAndEndsWell() throws IOException, InterruptedException {
        Ended built = build("CC", "", "PATH", pathWith("dirname", "find", "rm").toString());
        assertEquals(0, built.exitCode(), built.said());
        assertEquals(1, built.said().lines().count(), built.said());
        assertTrue(built.said().startsWith("native kernels: left out, as no C compiler was found"), built.said());
        assertFalse(Files.exists(scratch.resolve("classes/META-INF/native/linux-x86_64/libmoetier.so")));
    }

    @Test
    void aCompilerThatKnowsNoneOfTheInstructionsIsNotEnough() throws IOException, InterruptedException {
        Path compiler = script("exit 1");
        Ended built = build("CC", compiler.toString(), "PATH", pathWith() + ":" + System.getenv("PATH"));
        assertEquals(0, built.exitCode(), built.said());
        assertTrue(built.said().contains("are left out, as " + compiler + " does not know"), built.said());
    }

    @Test
    void anErrorInTheSourcesFailsTheBuild() throws IOException, InterruptedException {
        Path compiler = script("case $* in *nothing*|*probe*) exit 0 ;; *) echo broken >&2; exit 1 ;; esac");
        Ended built = build("CC", compiler.toString(), "PATH", pathWith() + ":" + System.getenv("PATH"));
        assertTrue(built.exitCode() != 0, built.said());
        assertTrue(built.said().contains("broken"), built.said());
    }

    /// Matrices of AMX are for products with many columns alone.
    @Test
    void whatTwoLevelsHaveInCommonIsCompiledOnce() throws IOException, InterruptedException {
        Path compiler = script("while [ $# -gt 1 ]; do [ \"$1\" != -o ] || : >\"$2\"; shift; done");
        Ended built = build("CC", compiler.toString(), "PATH", pathWith() + ":" + System.getenv("PATH"));
        assertEquals(0, built.exitCode(), built.said());
        for (String level : List.of("v3", "avx512", "amx")) {
            for (String source : List.of("multiply", "amx")) {
                assertTrue(Files.exists(scratch.resolve("objects/" + source + "-" + level + ".o")), source);
            }
            for (String source :
                    List.of("attention", "blocks", "elementwise", "floats", "interleave", "latents", "store")) {
                Path object = scratch.resolve("objects/" + source + "-" + level + ".o");
                assertEquals(!level.equals("amx"), Files.exists(object), object::toString);
            }
        }
    }

    private Path script(String body) throws IOException {
        return script(scratch.resolve("compiler"), body);
    }

    private static Path script(Path file, String body) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    /// Returns a directory with links to these programs, and a `uname` that names a processor there are kernels for.
    private Path pathWith(String... programs) throws IOException {
        Path directory = Files.createDirectory(scratch.resolve("bin"));
        script(directory.resolve("uname"), "case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac");
        for (String program : programs) {
            for (String place : List.of("/usr/bin", "/bin")) {
                Path link = directory.resolve(program);
                if (Files.exists(Path.of(place, program)) && !Files.exists(link)) {
                    Files.createSymbolicLink(link, Path.of(place, program));
                }
            }
        }
        return directory;
    }

    private Ended build(String... environment) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder("/bin/sh", SCRIPT.toString(), scratch + "/classes", scratch + "/objects");
        for (int i = 0; i < environment.length; i += 2) {
            builder.environment().put(environment[i], environment[i + 1]);
        }
        return ChildProcess.run(builder);
    }
}

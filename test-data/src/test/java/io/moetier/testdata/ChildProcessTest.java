package io.moetier.testdata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a test starts ends with it.
@Timeout(300)
class ChildProcessTest {
    /// Prints its own number and that of a process it starts, and does not end.
    private static final List<String> ENDLESS = List.of("sh", "-c", "sleep 1000000 & echo $$ $!; wait");

    @Test
    void whatItStartedEndsWhenItIsClosed() throws IOException {
        List<Long> started;
        try (ChildProcess child = ChildProcess.start(new ProcessBuilder(ENDLESS))) {
            started = numbers(child.process());
            assertEquals(child.process().pid(), started.getFirst());
            assertTrue(started.stream().allMatch(ChildProcess::runs));
        }
        awaitEnd(started);
    }

    /// However little of it has run: at first it is not what it will be, nor has it a group.
    @Test
    void itEndsWhenItIsClosedAtOnce() throws IOException {
        for (int i = 0; i < 50; i++) {
            ChildProcess child = ChildProcess.start(new ProcessBuilder("sleep", "1000000"));
            child.close();
            assertFalse(child.process().isAlive());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"exit", "TERM", "KILL"})
    void whatItStartedEndsWithTheJvmHoweverThatEnds(String how) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder =
                new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), Jvm.class.getName());
        Process jvm = builder.start(); // not as a child, whose guard is that of this JVM
        try {
            List<Long> started = numbers(jvm);
            switch (how) {
                case "exit" -> jvm.getOutputStream().close();
                case "TERM" -> jvm.destroy();
                default -> jvm.destroyForcibly();
            }
            awaitEnd(started);
        } finally {
            jvm.destroyForcibly().waitFor();
        }
    }

    @Test
    void howItEndedIsTold() throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder("sh", "-c", "sleep 1000000 >/dev/null & read -r _; echo out; echo err >&2; exit 7");
        assertEquals(new ChildProcess.Ended(7, "out\nerr\n"), ChildProcess.run(builder));
    }

    @Test
    void aSignalReachesIt() throws IOException, InterruptedException {
        try (ChildProcess child = ChildProcess.start(new ProcessBuilder("sleep", "1000000"))) {
            child.process().destroy();
            assertEquals(128 + 15, child.waitFor());
        }
    }

    private static List<Long> numbers(Process process) throws IOException {
        BufferedReader out = process.inputReader();
        return Stream.of(String.valueOf(out.readLine()).split(" "))
                .map(Long::valueOf)
                .toList();
    }

    private static void awaitEnd(List<Long> processes) {
        while (processes.stream().anyMatch(ChildProcess::runs)) {
            Thread.onSpinWait();
        }
    }

    /// A JVM that starts a process and says which, and ends with its input.
    static final class Jvm {
        private Jvm() {}

        public static void main(String[] args) throws IOException {
            @SuppressWarnings("resource") // is not closed: that is what is tested
            Process process = ChildProcess.start(new ProcessBuilder(ENDLESS)).process();
            System.out.println(process.inputReader().readLine());
            int end = System.in.read();
            System.exit(end < 0 ? 0 : 1);
        }
    }
}

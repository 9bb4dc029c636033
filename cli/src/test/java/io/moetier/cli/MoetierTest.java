package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MoetierTest {
    private static final Surroundings NOWHERE = new Surroundings(Map.of(), Path.of("/nonexistent"), "");
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void helpNamesEveryCommand() {
        assertEquals(Failure.OK, run("--help"));
        for (String command : new String[] {"run", "import", "inspect", "verify", "logits", "trace", "bench", "help"}) {
            assertTrue(out.toString().contains("  " + command + " "), out.toString());
        }
        assertEquals("", err.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "import", "inspect", "verify", "logits", "trace", "bench"})
    void everyCommandHasHelp(String command) {
        assertEquals(Failure.OK, run(command, "--help"));
        assertTrue(out.toString().startsWith("Usage: moetier " + command), out.toString());
    }

    @Test
    void traceRecordHasHelp() {
        assertEquals(Failure.OK, run("trace", "record", "--help"));
        assertTrue(out.toString().startsWith("Usage: moetier trace record"), out.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run m --threads a           | invalid value for option '--threads': expected a whole number, found 'a'; see moetier run --help
                    run                         | missing required parameter: 'MODEL'; see moetier run --help
                    run m --ram                 | missing required parameter for option '--ram' (SIZE); see moetier run --help
                    run m --ram 8Q              | invalid value for option '--ram': expected a size such as 8M, 1.5G, 4GiB or a number of bytes, found '8Q'; see moetier run --help
                    run m --io foo              | invalid value for option '--io': expected one of mapped, pread, direct, auto, found 'foo'; see moetier run --help
                    run m --kernels foo         | invalid value for option '--kernels': expected one of auto, native, vector, plain, found 'foo'; see moetier run --help
                    import m --quant foo        | invalid value for option '--quant': expected one of keep, q8_0, q6_k, q4_k, q4_0, found 'foo'; see moetier import --help
                    logits m --ids 1            | missing required option: '--out=FILE'; see moetier logits --help
                    trace record m --ids 1      | missing required option: '--out=FILE'; see moetier trace record --help
                    """)
    void wrongUsageIsOneSentenceAndExitCodeTwo(String arguments, String sentence) {
        assertEquals(Failure.USAGE, run(arguments.split(" ")));
        assertEquals("moetier: " + sentence, err.toString().stripTrailing());
        assertEquals("", out.toString());
    }

    @Test
    void aClosedOutputEndsQuietly() {
        Streams streams = new Streams(
                new ByteArrayInputStream(new byte[0]), new FailingWriter("Broken pipe"), new PrintWriter(err));
        assertThrows(Streams.ClosedOutputException.class, () -> streams.print("text"));
        assertEquals(Failure.OK, Moetier.execute(NOWHERE, streams, "--help"));
        assertEquals("", err.toString());
    }

    @Test
    void anOutputWithoutRoomIsAFailure() {
        Streams streams = new Streams(
                new ByteArrayInputStream(new byte[0]),
                new FailingWriter("No space left on device"),
                new PrintWriter(err));
        assertThrows(UncheckedIOException.class, () -> streams.print("text"));
        assertEquals(Failure.FAILED, Moetier.execute(NOWHERE, streams, "--help"));
        assertEquals(
                "moetier: standard output cannot be written: No space left on device",
                err.toString().strip());
    }

    private int run(String... args) {
        Streams streams =
                new Streams(new ByteArrayInputStream(new byte[0]), new PrintWriter(out), new PrintWriter(err));
        return Moetier.execute(NOWHERE, streams, args);
    }

    private static final class FailingWriter extends Writer {
        private final String reason;

        FailingWriter(String reason) {
            this.reason = reason;
        }

        @Override
        public void write(char[] buffer, int offset, int length) throws IOException {
            throw new IOException(reason);
        }

        @Override
        public void flush() throws IOException {
            throw new IOException(reason);
        }

        @Override
        public void close() {
            // nothing to release
        }
    }
}

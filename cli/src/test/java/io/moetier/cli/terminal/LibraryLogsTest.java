package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import org.junit.jupiter.api.Test;

class LibraryLogsTest {
    private final List<String> logged = new ArrayList<>();

    @Test
    void aTerminalThatNoDatabaseKnowsIsNotLogged() throws IOException {
        Logger logger = Logger.getLogger("org.jline");
        Handler handler = new Kept();
        LibraryLogs.silence();
        logger.addHandler(handler);
        try (Terminal terminal = new DumbTerminal(
                "test",
                "no-such-terminal",
                InputStream.nullInputStream(),
                new ByteArrayOutputStream(),
                StandardCharsets.UTF_8)) {
            assertEquals("no-such-terminal", terminal.getType());
            assertEquals(List.of(), logged);
        } finally {
            logger.removeHandler(handler);
        }
    }

    private final class Kept extends Handler {
        @Override
        public void publish(LogRecord message) {
            logged.add(message.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}

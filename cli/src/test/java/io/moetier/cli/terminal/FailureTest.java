package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.TaskException;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FailureTest {
    @Test
    void badFilesFail() {
        assertEquals(
                new Failure("config.json: no such file", Failure.FAILED),
                Failure.of(new MalformedModelException("config.json: no such file")));
    }

    @Test
    void badArgumentsAreUsage() {
        assertEquals(
                new Failure("--ram: too small", Failure.USAGE),
                Failure.of(new IllegalArgumentException("--ram: too small")));
    }

    @Test
    void filesAreNamed() {
        assertEquals("p.txt: no such file", sentence(new NoSuchFileException("p.txt")));
        assertEquals("p.txt: permission denied", sentence(new AccessDeniedException("p.txt")));
        assertEquals(
                "p.txt: No space left on device",
                sentence(new UncheckedIOException(new FileSystemException("p.txt", null, "No space left on device"))));
        assertEquals("Input/output error", sentence(new IOException("Input/output error")));
    }

    @Test
    void aWrappedErrorKeepsTheMessageThatNamesTheFile() {
        IOException cause = new IOException("disk full");
        assertEquals(
                "m.mtier: cannot be written", sentence(new UncheckedIOException("m.mtier: cannot be written", cause)));
    }

    @Test
    void whatMembersSayIsASentence() {
        for (RuntimeException said : List.of(
                new MembershipException("nobody is there"),
                new MemberLeftException("attic has left the cluster"),
                new TaskException("it has too much to do"),
                new RefusedException("this node is leaving"))) {
            assertEquals(new Failure(String.valueOf(said.getMessage()), Failure.FAILED), Failure.of(said));
        }
    }

    @Test
    void theUnexpectedIsNamed() {
        assertEquals(
                "internal error: IllegalStateException: odd state; --debug shows where",
                sentence(new IllegalStateException("odd\n  state")));
        assertEquals(
                "internal error: NullPointerException: NullPointerException; --debug shows where",
                sentence(new NullPointerException()));
        assertEquals(Failure.FAILED, Failure.of(new StackOverflowError()).exitCode());
    }

    @Test
    void outOfMemorySaysWhatHelps() {
        assertEquals(
                "out of memory (Java heap space); a smaller --ram or --ctx needs less, MOETIER_JAVA_OPTS=-Xmx8g gives"
                        + " the JVM more",
                sentence(new OutOfMemoryError("Java heap space")));
        assertEquals(
                "no thread can be started (unable to create native thread)",
                sentence(new OutOfMemoryError("unable to create native thread")));
    }

    private static String sentence(Throwable cause) {
        return Failure.of(cause).sentence();
    }
}

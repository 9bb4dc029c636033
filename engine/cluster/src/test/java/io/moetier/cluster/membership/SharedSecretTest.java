package io.moetier.cluster.membership;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedSecretTest {
    private static final String TEXT = "a secret of some length";

    @TempDir
    Path folder;

    @Test
    void aLineEndDoesNotBelongToIt() throws IOException {
        byte[] key = SharedSecret.read(file("bare", TEXT)).derive("use", 32);
        assertArrayEquals(key, SharedSecret.read(file("line", TEXT + "\n")).derive("use", 32));
        assertArrayEquals(key, SharedSecret.read(file("dos", TEXT + "\r\n")).derive("use", 32));
    }

    /// Computed with the HMAC of another implementation, extract and expand in turn, without salt.
    @Test
    void keysAreThoseOfHkdf() throws IOException {
        assertEquals(
                "ad226887b91fada6c723645865915af525ddd27c5f8473ed680f63972ea239c1b53e48e001f88eb49967",
                HexFormat.of().formatHex(SharedSecret.read(file("key", TEXT)).derive("use", 42)));
    }

    @Test
    void eachUseHasAKeyOfItsOwn() throws IOException {
        SharedSecret secret = SharedSecret.read(file("s", TEXT));
        assertFalse(Arrays.equals(secret.derive("one", 32), secret.derive("another", 32)));
        assertFalse(Arrays.equals(
                secret.derive("one", 32),
                SharedSecret.read(file("other", TEXT + ".")).derive("one", 32)));
    }

    @Test
    void whatOthersMayReadOrWriteIsRefused() throws IOException {
        for (String permissions : List.of("rw-r-----", "rw--w----", "rw----r--", "rw-----w-")) {
            Path file = file(permissions, TEXT);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
            assertEquals("a secret that others may read or write is none; chmod 600 makes it one", reason(file));
        }
    }

    @Test
    void tooShortOrTooLongIsRefused() throws IOException {
        assertEquals("a secret has 16 to 4096 bytes", reason(file("short", "fifteen bytes!!\n\n")));
        assertEquals("a secret has 16 to 4096 bytes", reason(file("long", "x".repeat(4097))));
        assertThrows(NoSuchFileException.class, () -> SharedSecret.read(folder.resolve("none")));
    }

    @Test
    void oneIsMadeWhereThereIsNone() throws IOException {
        Path file = folder.resolve("new/folder/secret");
        byte[] key = SharedSecret.readOrCreate(file).derive("use", 32);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(65, Files.size(file));
        assertArrayEquals(key, SharedSecret.readOrCreate(file).derive("use", 32));
        assertFalse(Arrays.equals(
                key, SharedSecret.readOrCreate(folder.resolve("second")).derive("use", 32)));
        try (Stream<Path> files = Files.list(file.resolveSibling(""))) {
            assertEquals(List.of(file), files.toList());
        }
    }

    @Test
    void allThatMakeItAtOnceHaveTheSame() throws Exception {
        Path file = folder.resolve("shared");
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            Callable<String> maker =
                    () -> Arrays.toString(SharedSecret.readOrCreate(file).derive("use", 32));
            List<Future<String>> keys = threads.invokeAll(List.of(maker, maker, maker, maker));
            for (Future<String> key : keys) {
                assertEquals(keys.getFirst().get(), key.get());
            }
        }
    }

    private static String reason(Path file) {
        return IoFailure.reason(assertThrows(IOException.class, () -> SharedSecret.read(file)));
    }

    private Path file(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return file;
    }
}

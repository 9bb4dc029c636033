package io.moetier.cluster.link;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.cluster.membership.TlsFolder;
import io.moetier.cluster.wire.Hello;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What tests of links have in common.
final class LinkFixture {
    static final String HOST = "127.0.0.1";
    static final Duration DEADLINE = Duration.ofSeconds(60);
    static final long LONG = Duration.ofMinutes(10).toNanos();

    private LinkFixture() {}

    static Hello hello(String model) {
        return new Hello("0.1.0", "plain", false, model, new byte[] {1, 2, 3}, Map.of(0, FfnActivation.SWIGLU));
    }

    static GrpcNodeLink open(int port, Identity identity) throws IOException {
        return GrpcNodeLink.open(HOST, port, identity, hello("abc"), DEADLINE);
    }

    static Identity secret(Path folder, String text) throws IOException {
        Path file = Files.writeString(folder.resolve("secret-" + text.hashCode()), text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return Identity.of(SharedSecret.read(file), "test");
    }

    /// Returns a copy of a folder of test-data, as version control keeps no permissions.
    static Path tls(Path folder, String authority, String member) throws IOException {
        Path copy = Files.createDirectories(folder.resolve("tls-" + authority + "-" + member));
        Path root = TestData.root().resolve("tls");
        copy(root.resolve(authority).resolve("ca.pem"), copy);
        for (String name : List.of("cert.pem", "key.pem")) {
            copy(root.resolve(member).resolve(name), copy);
        }
        return copy;
    }

    private static void copy(Path file, Path folder) throws IOException {
        Path copy = Files.write(folder.resolve(file.getFileName()), Files.readAllBytes(file));
        Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-------"));
    }

    static Identity certificates(Path folder) throws IOException {
        return Identity.of(TlsFolder.read(folder));
    }

    /// Waits until none of the threads of links is left: their last act is to say that they end.
    static void requireNoThreads() throws InterruptedException {
        requireNoThreads("moetier-");
    }

    static void requireNoThreads(String... prefixes) throws InterruptedException {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!threads(prefixes).isEmpty() && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        assertEquals(List.of(), threads(prefixes));
    }

    private static List<String> threads(String... prefixes) {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> Stream.of(prefixes).anyMatch(name::startsWith))
                .toList();
    }
}

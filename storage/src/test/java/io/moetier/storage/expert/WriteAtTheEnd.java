package io.moetier.storage.expert;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/// Run by a test in a JVM of its own: writes a store while that is ending, for the first time in it.
final class WriteAtTheEnd {
    private WriteAtTheEnd() {}

    public static void main(String[] arguments) throws InterruptedException {
        CountDownLatch ending = new CountDownLatch(1);
        CountDownLatch written = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            ending.countDown();
            awaitQuietly(written);
        }));
        Thread.ofPlatform().start(() -> System.exit(0));
        ending.await();
        try {
            new SampleStore(41, 2, 5000).write(Path.of(arguments[0]));
            System.out.println("written");
        } catch (IOException | RuntimeException | Error e) {
            System.out.println("failed: " + e);
        } finally {
            written.countDown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package io.moetier.storage.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.platform.CFunction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MemoryAlarmTest {
    @TempDir
    Path linux = Path.of("");

    @Test
    void whereNobodyTellsThereIsNone() {
        assertTrue(MemoryAlarm.start(linux, refused -> {}).isEmpty());
    }

    @Test
    void endsWhenItIsClosedAndLeavesNoThread() {
        for (int i = 0; i < 20; i++) {
            Optional<MemoryAlarm> alarm = MemoryAlarm.start(refused -> {});
            alarm.ifPresent(MemoryAlarm::close);
        }
        assertEquals(
                0,
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().equals("moetier-memory-alarm"))
                        .count());
    }

    /// A file of the test's own says nothing, but is told what to say.
    @Test
    @EnabledOnOs(OS.LINUX)
    void stallsAreAskedForInTheWordsOfTheKernel() throws IOException {
        write("proc/pressure/memory", "some avg10=0.00\n");
        try (MemoryAlarm _ = MemoryAlarm.start(linux, refused -> {}).orElseThrow()) {
            assertEquals("some 100000 2000000\0", Files.readString(linux.resolve("proc/pressure/memory")));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void anEventOfAGroupIsToldEveryTime() throws IOException {
        group();
        Semaphore refusals = new Semaphore(0);
        try (MemoryAlarm _ = MemoryAlarm.start(linux, refused -> refusals.release(refused ? 1 : 0))
                .orElseThrow()) {
            for (int i = 0; i < 3; i++) {
                ring(event());
                refusals.acquireUninterruptibly();
            }
        }
        assertEquals(0, refusals.availablePermits(), "once each");
    }

    /// Its numbers stay its own until it is closed: whatever opened a file then would get a freed one.
    @Test
    @EnabledOnOs(OS.LINUX)
    void whereAListenerFailsAllStaysOpenUntilItIsClosed() throws IOException, InterruptedException {
        group();
        List<Throwable> thrown = new ArrayList<>();
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        MemoryAlarm alarm = MemoryAlarm.start(linux, refused -> {
                    Thread.currentThread().setUncaughtExceptionHandler((_, e) -> thrown.add(e));
                    thread.complete(Thread.currentThread());
                    throw new IllegalStateException("a listener");
                })
                .orElseThrow();
        Path open = Path.of("/proc/self/fd", Integer.toString(event()));
        ring(event());
        thread.join().join();
        assertEquals(1, thrown.size());
        assertEquals("anon_inode:[eventfd]", Files.readSymbolicLink(open).toString());
        alarm.close();
        alarm.close();
    }

    /// Makes a group of version 1 that any process may ask, with a file of the level that nobody may write.
    private void group() throws IOException {
        write("proc/self/mountinfo", "31 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
        write("proc/self/cgroup", "4:memory:/a\n");
        write("sys/fs/cgroup/memory/a/memory.pressure_level", "");
        write("sys/fs/cgroup/memory/a/cgroup.event_control", "");
        Files.setPosixFilePermissions(
                linux.resolve("sys/fs/cgroup/memory/a/memory.pressure_level"),
                PosixFilePermissions.fromString("r--r--r--"));
    }

    /// Returns the number of what the kernel was told to ring.
    private int event() throws IOException {
        String[] words = Files.readString(linux.resolve("sys/fs/cgroup/memory/a/cgroup.event_control"))
                .split(" ");
        assertEquals(List.of("critical,local"), List.of(words).subList(2, words.length));
        return Integer.parseInt(words[0]);
    }

    private static void ring(int event) {
        MethodHandle write = CFunction.WRITE.find().orElseThrow();
        try (Arena arena = Arena.ofConfined()) {
            long written = (long) write.invokeExact(event, arena.allocateFrom(JAVA_LONG, 1), 8L);
            assertEquals(8, written);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private void write(String file, String text) throws IOException {
        Path path = linux.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    void anInterruptIsKept() {
        Optional<MemoryAlarm> alarm = MemoryAlarm.start(refused -> {});
        Thread.currentThread().interrupt();
        alarm.ifPresent(MemoryAlarm::close);
        assertTrue(Thread.interrupted());
    }
}

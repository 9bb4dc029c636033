package io.moetier.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.MemoryGroup;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `doctor` measures in the memory that it may have, and what it has said stays said.
class DoctorLimitsTest {
    /// Too little for the memory that is read where there is enough.
    private static final long GROUP_BYTES = 600_000_000;

    /// A small JVM, whatever the machine, of which half is left.
    private static final List<String> SMALL = List.of(
            "-XX:+UseSerialGC", "-Xmx256m", "-XX:CompressedClassSpaceSize=64m", "-XX:ReservedCodeCacheSize=64m");

    private static final int POLL_MILLIS = 20;
    private static final long ADDRESS_SPACE_KILOBYTES = 6_000_000;
    private static final String ADDRESS_SPACE = "ulimit -v " + ADDRESS_SPACE_KILOBYTES + "; exec \"$0\" \"$@\"";

    @TempDir
    Path directory = Path.of("");

    @Test
    void keepsWithinItsControlGroupWhereTestsMayMakeOne() throws IOException, InterruptedException {
        Optional<MemoryGroup> made = MemoryGroup.create(GROUP_BYTES);
        if (made.isEmpty()) {
            return; // whoever may not make one has the limit of the address space below
        }
        try (MemoryGroup group = made.get()) {
            String said = doctor(group.launcher(), SMALL);
            assertTrue(said.contains("the control group " + group.directory() + " has 572 MiB"), said);
            assertTrue(said.contains("memory is short"), said);
        }
    }

    @Test
    void keepsWithinItsAddressSpace() throws IOException, InterruptedException {
        String said = doctor(List.of("env", "MALLOC_ARENA_MAX=1", "sh", "-c", ADDRESS_SPACE), SMALL);
        boolean isTightest = AvailableMemory.bytes() > ADDRESS_SPACE_KILOBYTES << 10; // more is free of the machine
        assertTrue(!isTightest || said.contains(": its address space (ulimit -v) has 5.72 GiB"), said);
    }

    /// The pipe that it takes for the driver of GPUs, which are looked for after the disk, holds it.
    @Test
    void whatWasMeasuredHasBeenPrintedWhenItIsKilled() throws IOException, InterruptedException {
        Path pipe = directory.resolve("libcuda.so");
        assertEquals(
                0,
                ChildProcess.run(new ProcessBuilder("mkfifo", pipe.toString())).exitCode());
        Path log = directory.resolve("log");
        try (ChildProcess doctor = CommandLineRun.start(
                log, launcher(List.of("MOETIER_CUDA_LIBRARY=" + pipe)), "doctor", "--threads", "1", "--quick")) {
            while (doctor.process().isAlive() && !Files.readString(log).contains("\n  read again ")) {
                Thread.sleep(POLL_MILLIS);
            }
            assertTrue(doctor.process().isAlive(), Files.readString(log));
        }
    }

    private String doctor(List<String> limited, List<String> options) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        int exitCode = CommandLineRun.await(log, launcher(limited), options, "doctor", "--threads", "1");
        String said = Files.readString(log);
        assertEquals(Failure.OK, exitCode, said);
        assertTrue(said.contains("\n  read again "), said);
        return said;
    }

    private List<String> launcher(List<String> limited) {
        return Stream.concat(Stream.of("env", "MOETIER_CACHE=" + directory.resolve("cache")), limited.stream())
                .toList();
    }
}

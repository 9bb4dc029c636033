package io.moetier.kernels.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.memory.FreshMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// Whether errors of order show: programs that forget to wait give wrong results under some of 40 seeds,
/// and the same programs that wait under none.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandOrderTest {
    private static final int SEEDS = 40;
    private static final int ROUNDS = 4;
    private static final int INTS = 64;
    private static final int BYTES = 4 * INTS;

    private EmulatedDriver driver;

    @BeforeAll
    void start() {
        driver = Drivers.start(EmulatedOptions.DEFAULT);
    }

    @AfterAll
    void stop() {
        driver.close();
    }

    /// A program of two streams, which gives the numbers 1, 2, 3, … if it is right.
    private static final class Program implements AutoCloseable {
        final CudaContext context;
        final CudaStream copies;
        final CudaStream computation;
        final CudaEvent copied;
        final CudaMemory slot;
        final CudaMemory result;
        final PinnedMemory input;
        final PinnedMemory output;

        Program(EmulatedDriver driver) {
            context = Drivers.open(driver);
            copies = context.stream();
            computation = context.stream();
            copied = context.event();
            slot = context.allocate(BYTES);
            result = context.allocate(BYTES);
            input = context.pinned(BYTES);
            output = context.pinned(BYTES);
        }

        void fillInput(int value) {
            for (int i = 0; i < INTS; i++) {
                input.segment().setAtIndex(JAVA_INT, i, value);
            }
        }

        int output() {
            return output.segment().getAtIndex(JAVA_INT, INTS - 1);
        }

        @Override
        public void close() {
            List.of(copies, computation).forEach(CudaStream::close);
            copied.close();
            List.of(slot, result).forEach(CudaMemory::close);
            List.of(input, output).forEach(PinnedMemory::close);
            context.close();
        }
    }

    private static void round(Program program, int value, boolean awaits, boolean waits, boolean keepsInput) {
        program.fillInput(value);
        program.copies.copyToDevice(program.slot, 0, program.input.segment());
        program.copied.record(program.copies);
        if (awaits) {
            program.computation.await(program.copied);
        }
        program.computation.copyOnDevice(program.result, 0, program.slot, 0, BYTES);
        program.computation.copyToHost(program.result, 0, program.output.segment());
        if (!keepsInput) {
            program.fillInput(-1);
        }
        if (waits) {
            program.computation.synchronize();
        }
    }

    /// Returns how many seeds give wrong numbers.
    private int wrongSeeds(boolean awaits, boolean waits, boolean keepsInput) {
        int wrong = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed).withFresh(FreshMemory.POISONED));
            List<Integer> seen = new ArrayList<>();
            try (Program program = new Program(driver)) {
                for (int round = 1; round <= ROUNDS; round++) {
                    round(program, round, awaits, waits, keepsInput);
                    seen.add(program.output());
                    program.context.synchronize();
                }
            }
            wrong += seen.equals(List.of(1, 2, 3, 4)) ? 0 : 1;
            assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
        }
        return wrong;
    }

    @Test
    void aProgramThatWaitsIsRightUnderEverySeed() {
        assertEquals(0, wrongSeeds(true, true, true));
    }

    @Test
    void aMissingWaitForAnEventShows() {
        int wrong = wrongSeeds(false, true, true);
        assertTrue(wrong >= 5, () -> wrong + " of " + SEEDS);
    }

    @Test
    void aMissingSynchronisationBeforeAReadShows() {
        int wrong = wrongSeeds(true, false, true);
        assertTrue(wrong >= 5, () -> wrong + " of " + SEEDS);
    }

    @Test
    void pinnedMemoryThatIsOverwrittenTooEarlyShows() {
        int wrong = wrongSeeds(true, true, false);
        assertTrue(wrong >= 5, () -> wrong + " of " + SEEDS);
    }

    @Test
    void pageableMemoryMayBeOverwrittenAtOnce() {
        for (int seed = 0; seed < SEEDS; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed));
            try (Program program = new Program(driver)) {
                MemorySegment pageable = Arena.ofAuto().allocate(BYTES);
                pageable.fill((byte) 7);
                program.copies.copyToDevice(program.slot, 0, pageable);
                pageable.fill((byte) 0);
                program.copies.copyToHost(program.slot, 0, pageable);
                assertEquals(0x07070707, pageable.getAtIndex(JAVA_INT, 5), "seed " + seed);
            }
        }
    }

    @Test
    void memoryThatIsFreedWhileItIsInUseShows() {
        int broken = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed));
            try (CudaContext context = Drivers.open(driver);
                    MemoryStack stack = MemoryStack.stackPush()) {
                CudaStream first = context.stream();
                CudaStream second = context.stream();
                var pointer = stack.mallocPointer(1);
                Drivers.assertStatus(CudaStatus.SUCCESS, CU.cuMemAllocAsync(pointer, BYTES, first.handle()));
                Drivers.assertStatus(
                        CudaStatus.SUCCESS, CU.cuMemsetD8Async(pointer.get(0), (byte) 1, BYTES, second.handle()));
                int code = CU.cuMemFreeAsync(pointer.get(0), first.handle());
                Drivers.assertStatus(CudaStatus.SUCCESS, code);
                broken += CU.cuCtxSynchronize() == CudaStatus.ILLEGAL_ADDRESS.code() ? 1 : 0;
            }
        }
        int seeds = broken;
        assertTrue(seeds >= 5, () -> seeds + " of " + SEEDS);
    }

    @Test
    void theNullStreamAndBlockingStreamsWaitForEachOther() {
        for (int seed = 0; seed < SEEDS; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed));
            try (CudaContext context = Drivers.open(driver);
                    CudaMemory memory = context.allocate(BYTES);
                    PinnedMemory output = context.pinned(BYTES);
                    MemoryStack stack = MemoryStack.stackPush()) {
                var blocking = stack.mallocPointer(1);
                Drivers.assertStatus(CudaStatus.SUCCESS, CU.cuStreamCreate(blocking, 0));
                long address = memory.address(0, BYTES);
                CU.cuMemsetD32Async(address, 1, INTS, blocking.get(0));
                CU.cuMemsetD32Async(address, 2, INTS, 0);
                CU.cuMemsetD32Async(address, 3, INTS / 2, blocking.get(0));
                CU.ncuMemcpyDtoH(output.segment().address(), address, BYTES);
                assertEquals(3, output.segment().getAtIndex(JAVA_INT, 0), "seed " + seed);
                assertEquals(2, output.segment().getAtIndex(JAVA_INT, INTS - 1), "seed " + seed);
                Drivers.assertStatus(CudaStatus.SUCCESS, CU.cuStreamDestroy(blocking.get(0)));
            }
        }
    }

    @Test
    void askingAgainAndAgainIsWaiting() {
        for (int seed = 0; seed < SEEDS; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed));
            try (Program program = new Program(driver)) {
                round(program, 5, true, false, true);
                program.copied.record(program.computation);
                while (!program.copied.isReached()) {
                    Thread.onSpinWait();
                }
                assertEquals(5, program.output());
                while (!program.computation.isIdle()) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameOrder() {
        List<Integer> first = outputs(7);
        assertEquals(first, outputs(7));
    }

    /// What a program that does not wait happens to read.
    private List<Integer> outputs(long seed) {
        driver.reset(EmulatedOptions.DEFAULT.withSeed(seed).withFresh(FreshMemory.ZERO));
        List<Integer> seen = new ArrayList<>();
        try (Program program = new Program(driver)) {
            for (int round = 1; round <= 20; round++) {
                round(program, round, false, false, true);
                seen.add(program.output());
            }
        }
        return seen;
    }
}

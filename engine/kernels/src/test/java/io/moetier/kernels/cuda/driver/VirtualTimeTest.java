package io.moetier.kernels.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.driver.stream.TimelineEntry;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// Virtual time, against sums made by hand.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VirtualTimeTest {
    private static final long EXPERT_BYTES = 4_456_448; // 1024 x 4096 weights of q8_0
    private static final double CALL = GpuCosts.DEFAULT.latencies().callNanos();
    private static final double LAUNCH = GpuCosts.DEFAULT.latencies().launchNanos();

    private EmulatedDriver driver;

    @BeforeAll
    void start() {
        driver = Drivers.start(EmulatedOptions.DEFAULT);
    }

    @AfterAll
    void stop() {
        driver.close();
    }

    private static EmulatedOptions options(String gpu) {
        return EmulatedOptions.DEFAULT
                .withGpus(EmulatedGpu.of(GpuProfile.of(gpu).orElseThrow()))
                .withTimeline();
    }

    @Test
    void aCopyTakesItsStartAndItsBytes() {
        driver.reset(options("rtx3060"));
        try (CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                CudaMemory memory = context.allocate(EXPERT_BYTES);
                PinnedMemory pinned = context.pinned(EXPERT_BYTES)) {
            stream.copyToDevice(memory, 0, pinned.segment());
            stream.synchronize();

            TimelineEntry copy = driver.timeline().getFirst();
            assertEquals(EngineKind.TO_DEVICE, copy.engine());
            assertEquals(6_000 + EXPERT_BYTES / 25.0, copy.endNanos() - copy.startNanos(), 1e-6);
            assertEquals(copy.endNanos(), driver.virtualNanos(), "the host waited for it");
            assertEquals(copy.endNanos() - copy.startNanos(), driver.busyNanos(0, EngineKind.TO_DEVICE), 1e-6);
        }
    }

    @Test
    void theProcessorTakesItsStartAndTheLongerOfReadingAndMultiplying() {
        GpuCosts.Processor processor = GpuCosts.DEFAULT.processor();
        assertEquals(10_000 + 1e6 / 30, processor.nanos(1_000_000, 1), 1e-6);
        assertEquals(10_000 + 1e6 / 30, processor.nanos(1_000_000, 2), 1e-6, "two rows for the bytes of one");
        assertEquals(10_000 + 16e6 / 66, processor.nanos(1_000_000, 16), 1e-6);
    }

    @Test
    void aKernelTakesItsTrafficOrItsArithmetic() {
        GpuProfile gpu = GpuProfile.of("rtx3060").orElseThrow();
        assertEquals(2_000 + 1e6 / (360 * 0.8), GpuCosts.DEFAULT.kernelNanos(gpu, 1e6, 1), 1e-6);
        assertEquals(2_000 + 1e9 / (12_740 * 0.7), GpuCosts.DEFAULT.kernelNanos(gpu, 1, 1e9), 1e-6);
    }

    /// The check of two slots and two streams: copies follow each other, the GEMV of one expert runs beside
    /// the copy of the next, and only the last one shows.
    @ParameterizedTest
    @CsvSource({"rtx3060, 25, 360", "rtx4060ti, 13, 288", "h100, 50, 3350"})
    void doubleBufferingHidesAllButTheLastKernel(String gpu, double link, double memory) {
        double copy = 6_000 + EXPERT_BYTES / link;
        double kernel = 2_000 + EXPERT_BYTES / (memory * 0.8);
        driver.reset(options(gpu));
        try (CudaContext context = Drivers.open(driver)) {
            double begin = driver.virtualNanos();
            double overlapped = experts(context, true) - begin;
            // the first copy is issued after one call; each kernel waits for its copy
            assertEquals(8 * copy + kernel, overlapped, 20 * CALL);

            begin = driver.virtualNanos();
            double serial = experts(context, false) - begin;
            double issue = 3 * CALL + LAUNCH;
            assertEquals(8 * (copy + kernel), serial, 8 * issue);
        }
    }

    /// Computes eight experts, and returns the host's time after the last.
    private double experts(CudaContext context, boolean twoStreams) {
        CudaStream copies = context.stream();
        CudaStream computation = twoStreams ? context.stream() : copies;
        List<CudaEvent> copied = List.of(context.event(), context.event());
        List<CudaEvent> computed = List.of(context.event(), context.event());
        for (int expert = 0; expert < 8; expert++) {
            int slot = expert % 2;
            copies.await(computed.get(slot)); // nothing at first: never recorded
            driver.chargeCopy(copies.handle(), EngineKind.TO_DEVICE, EXPERT_BYTES);
            copied.get(slot).record(copies);
            computation.await(copied.get(slot));
            driver.chargeKernel(computation.handle(), "gemv", EXPERT_BYTES, 2.0 * 1024 * 4096);
            computed.get(slot).record(computation);
        }
        computation.synchronize();
        return driver.virtualNanos();
    }

    @Test
    void eventsTellTheTimeBetweenThem() {
        driver.reset(options("rtx3060"));
        try (CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                CudaEvent begin = context.timingEvent();
                CudaEvent end = context.timingEvent()) {
            begin.record(stream);
            driver.chargeKernel(stream.handle(), "long", 360e6 * 0.8, 0); // a millisecond of traffic
            end.record(stream);
            assertTrue(begin.isReached());
            assertFalse(end.isReached(), "it is reached in a millisecond of virtual time");
            assertFalse(stream.isIdle());
            end.synchronize();
            assertTrue(stream.isIdle());
            double idle = CALL + LAUNCH; // the kernel was issued after the first event was reached
            assertEquals(1 + (2_000 + idle) / 1e6, end.millisSince(begin), 1e-5);
        }
    }

    @Test
    void whoAsksSeesTimePass() {
        driver.reset(options("rtx3060"));
        try (CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream()) {
            driver.chargeKernel(stream.handle(), "kernel", 0, 0);
            double end = driver.virtualNanos() + 2_000;
            int questions = 1;
            while (!stream.isIdle()) {
                questions++;
            }
            assertEquals(2, questions);
            assertEquals(end, driver.virtualNanos(), 1e-6);
            driver.chargeHost(500);
            assertEquals(end + 500, driver.virtualNanos(), 1e-6);
        }
    }

    @Test
    void theNullStreamIsABarrierInTimeAsWell() {
        driver.reset(options("rtx3060"));
        try (CudaContext context = Drivers.open(driver);
                CudaStream beside = context.stream();
                MemoryStack stack = MemoryStack.stackPush()) {
            var blocking = stack.mallocPointer(1);
            Drivers.assertStatus(CudaStatus.SUCCESS, CU.cuStreamCreate(blocking, 0));
            driver.chargeCopy(blocking.get(0), EngineKind.TO_DEVICE, EXPERT_BYTES);
            driver.chargeKernel(0, "null", 0, 0);
            driver.chargeKernel(beside.handle(), "beside", 0, 0);
            context.synchronize();
            List<TimelineEntry> timeline = driver.timeline();
            TimelineEntry copy = named(timeline, "copy to device");
            TimelineEntry afterIt = named(timeline, "null");
            TimelineEntry besideIt = named(timeline, "beside");
            assertEquals(copy.endNanos(), afterIt.startNanos());
            assertTrue(besideIt.endNanos() < copy.endNanos());
            Drivers.assertStatus(CudaStatus.SUCCESS, CU.cuStreamDestroy(blocking.get(0)));
        }
    }

    private static TimelineEntry named(List<TimelineEntry> timeline, String label) {
        return timeline.stream()
                .filter(entry -> entry.label().equals(label))
                .findFirst()
                .orElseThrow();
    }
}

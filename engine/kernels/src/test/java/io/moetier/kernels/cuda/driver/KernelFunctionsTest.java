package io.moetier.kernels.cuda.driver;

import static io.moetier.kernels.cuda.driver.Drivers.assertStatus;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.emulator.memory.FreshMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.IntBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.cuda.CUhostFn;
import org.lwjgl.cuda.CUhostFnI;
import org.lwjgl.system.MemoryStack;

/// Modules and kernels, through LWJGL.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KernelFunctionsTest {
    private static final int COUNT = 100;
    /// `out[i] = in[i] * factor` for `i < count`, and a variable that nobody reads.
    private static final String SCALE = """
            .version 6.0
            .target sm_61
            .address_size 64
            .global .align 4 .u32 answer = 42;
            .visible .entry scale(
                .param .u64 scale_in,
                .param .u64 scale_out,
                .param .f32 scale_factor,
                .param .u32 scale_count)
            {
                .reg .pred %p<2>;
                .reg .f32 %f<4>;
                .reg .b32 %r<6>;
                .reg .b64 %rd<8>;
                ld.param.u64 %rd1, [scale_in];
                ld.param.u64 %rd2, [scale_out];
                ld.param.f32 %f1, [scale_factor];
                ld.param.u32 %r1, [scale_count];
                mov.u32 %r2, %ctaid.x;
                mov.u32 %r3, %ntid.x;
                mov.u32 %r4, %tid.x;
                mad.lo.s32 %r5, %r2, %r3, %r4;
                setp.ge.u32 %p1, %r5, %r1;
                @%p1 bra DONE;
                cvta.to.global.u64 %rd3, %rd1;
                cvta.to.global.u64 %rd4, %rd2;
                mul.wide.u32 %rd5, %r5, 4;
                add.s64 %rd6, %rd3, %rd5;
                add.s64 %rd7, %rd4, %rd5;
                ld.global.f32 %f2, [%rd6];
                mul.f32 %f3, %f2, %f1;
                st.global.f32 [%rd7], %f3;
            DONE:
                ret;
            }
            """;

    private EmulatedDriver driver;

    @BeforeAll
    void start() {
        driver = Drivers.start(EmulatedOptions.DEFAULT);
    }

    @AfterAll
    void stop() {
        driver.close();
    }

    /// A loaded kernel with memory to work on.
    private static final class Scaling implements AutoCloseable {
        final Arena arena = Arena.ofConfined();
        final CudaContext context;
        final CudaStream stream;
        final CudaModule module;
        final CudaFunction scale;
        final CudaMemory in;
        final CudaMemory out;
        final PinnedMemory host;
        final KernelArguments arguments;

        Scaling(EmulatedDriver driver) {
            context = Drivers.open(driver);
            stream = context.stream();
            module = context.load(SCALE);
            scale = module.function("scale");
            in = context.allocate(4 * COUNT);
            out = context.allocate(4 * COUNT);
            host = context.pinned(4 * COUNT);
            arguments = new KernelArguments(4, arena);
            arguments.set(0, in, 0).set(1, out, 0).set(2, 0.5f).set(3, COUNT);
        }

        void upload() {
            for (int i = 0; i < COUNT; i++) {
                host.segment().setAtIndex(JAVA_FLOAT, i, i);
            }
            stream.copyToDevice(in, 0, host.segment());
        }

        void launch() {
            scale.launch(stream, LaunchShape.of(2, 64), arguments);
        }

        float[] download() {
            stream.copyToHost(out, 0, host.segment());
            stream.synchronize();
            return host.segment().toArray(JAVA_FLOAT);
        }

        @Override
        public void close() {
            host.close();
            out.close();
            in.close();
            module.close();
            stream.close();
            context.close();
            arena.close();
        }
    }

    @Test
    void runsAKernel() {
        driver.reset(EmulatedOptions.DEFAULT.withSeed(1));
        try (Scaling scaling = new Scaling(driver)) {
            scaling.upload();
            scaling.launch();
            scaling.arguments.set(2, 1000f); // the launch has its own copy
            float[] result = scaling.download();
            for (int i = 0; i < COUNT; i++) {
                assertEquals(i * 0.5f, result[i]);
            }
            assertEquals(1024, scaling.scale.maxThreads());
        }
        assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
    }

    @Test
    void takesParametersInABuffer() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (Scaling scaling = new Scaling(driver);
                MemoryStack stack = MemoryStack.stackPush()) {
            scaling.upload();
            MemorySegment values = scaling.arena.allocate(24, 8);
            values.set(JAVA_LONG, 0, scaling.in.address(0, 4));
            values.set(JAVA_LONG, 8, scaling.out.address(0, 4));
            values.set(JAVA_FLOAT, 16, 3f);
            values.set(JAVA_INT, 20, COUNT);
            PointerBuffer size = stack.pointers(24);
            PointerBuffer extra = stack.pointers(
                    CU.CU_LAUNCH_PARAM_BUFFER_POINTER,
                    values.address(),
                    CU.CU_LAUNCH_PARAM_BUFFER_SIZE,
                    size.address(),
                    CU.CU_LAUNCH_PARAM_END);
            long function = function(stack, scaling);
            assertStatus(
                    CudaStatus.SUCCESS,
                    CU.cuLaunchKernel(function, 2, 1, 1, 64, 1, 1, 0, scaling.stream.handle(), null, extra));
            assertEquals(9f, scaling.download()[3]);
            size.put(0, 20);
            assertStatus(
                    CudaStatus.INVALID_VALUE,
                    CU.cuLaunchKernel(function, 2, 1, 1, 64, 1, 1, 0, scaling.stream.handle(), null, extra));
        }
    }

    private static long function(MemoryStack stack, Scaling scaling) {
        PointerBuffer module = stack.mallocPointer(1);
        PointerBuffer function = stack.mallocPointer(1);
        assertStatus(CudaStatus.SUCCESS, CU.cuModuleLoadData(module, stack.ASCII(SCALE)));
        assertStatus(CudaStatus.SUCCESS, CU.cuModuleGetFunction(function, module.get(0), "scale"));
        assertEquals("scale", scaling.scale.name());
        return function.get(0);
    }

    @Test
    void refusesPtxThatItsVersionDoesNotKnow() {
        driver.reset(EmulatedOptions.DEFAULT.withDriverVersion(12_040));
        try (CudaContext context = Drivers.open(driver)) {
            CudaException failure = assertThrows(
                    CudaException.class, () -> context.load(SCALE.replace(".version 6.0", ".version 8.5")));
            assertEquals(CudaStatus.UNSUPPORTED_PTX_VERSION.code(), failure.code());
            assertEquals(
                    "cuModuleLoadDataEx failed: CUDA_ERROR_UNSUPPORTED_PTX_VERSION: "
                            + "PTX 8.5, where the driver's version 12040 knows 8.4",
                    failure.getMessage());
            context.load(SCALE.replace(".version 6.0", ".version 8.4")).close();
        }
    }

    @Test
    void refusesPtxForABetterDevice() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (CudaContext context = Drivers.open(driver)) {
            CudaException failure =
                    assertThrows(CudaException.class, () -> context.load(SCALE.replace("sm_61", "sm_89")));
            assertEquals(CudaStatus.NO_BINARY_FOR_GPU.code(), failure.code());
            context.load(SCALE.replace("sm_61", "sm_86")).close();
        }
    }

    @Test
    void refusesWhatIsNoPtx() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (CudaContext context = Drivers.open(driver)) {
            CudaException failure =
                    assertThrows(CudaException.class, () -> context.load(SCALE.replace("mul.f32", "frobnicate.f32")));
            assertEquals(CudaStatus.INVALID_PTX.code(), failure.code());
            assertTrue(
                    String.valueOf(failure.getMessage()).contains("frobnicate"),
                    () -> String.valueOf(failure.getMessage()));
        }
    }

    @Test
    void knowsKernelsAndVariablesByName() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (Scaling scaling = new Scaling(driver);
                MemoryStack stack = MemoryStack.stackPush()) {
            CudaException failure = assertThrows(CudaException.class, () -> scaling.module.function("scales"));
            assertEquals("cuModuleGetFunction failed: CUDA_ERROR_NOT_FOUND: scales", failure.getMessage());
            PointerBuffer module = stack.mallocPointer(1);
            PointerBuffer address = stack.mallocPointer(1);
            PointerBuffer size = stack.mallocPointer(1);
            PointerBuffer function = stack.mallocPointer(1);
            assertStatus(CudaStatus.SUCCESS, CU.cuModuleLoadData(module, stack.ASCII(SCALE)));
            assertStatus(CudaStatus.SUCCESS, CU.cuModuleGetGlobal(address, size, module.get(0), "answer"));
            assertEquals(4, size.get(0));
            IntBuffer value = stack.mallocInt(1);
            assertStatus(CudaStatus.SUCCESS, CU.cuMemcpyDtoH(value, address.get(0)));
            assertEquals(42, value.get(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuModuleGetFunction(function, module.get(0), "scale"));
            assertStatus(
                    CudaStatus.SUCCESS,
                    CU.cuFuncGetAttribute(value, CU.CU_FUNC_ATTRIBUTE_PTX_VERSION, function.get(0)));
            assertEquals(60, value.get(0));
            assertStatus(
                    CudaStatus.SUCCESS, CU.cuOccupancyMaxActiveBlocksPerMultiprocessor(value, function.get(0), 256, 0));
            assertEquals(6, value.get(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuModuleUnload(module.get(0)));
            assertStatus(
                    CudaStatus.INVALID_HANDLE,
                    CU.cuFuncGetAttribute(value, CU.CU_FUNC_ATTRIBUTE_PTX_VERSION, function.get(0)));
        }
    }

    @Test
    void refusesShapesThatNoDeviceHas() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (Scaling scaling = new Scaling(driver)) {
            for (LaunchShape shape : List.of(
                    LaunchShape.of(0, 32),
                    LaunchShape.of(1, 1025),
                    new LaunchShape(1, 65_536, 1, 1, 1, 1, 0),
                    new LaunchShape(1, 1, 1, 32, 32, 2, 0),
                    new LaunchShape(1, 1, 1, 1, 1, 1, 49_153))) {
                CudaException failure = assertThrows(
                        CudaException.class, () -> scaling.scale.launch(scaling.stream, shape, scaling.arguments));
                assertEquals("cuLaunchKernel failed: CUDA_ERROR_INVALID_VALUE: scale", failure.getMessage());
            }
            scaling.scale.allowDynamicSharedBytes(99 << 10);
            assertThrows(CudaException.class, () -> scaling.scale.allowDynamicSharedBytes(100 << 10));
        }
    }

    @Test
    void namesTheThreadThatWritesPastTheEnd() {
        driver.reset(EmulatedOptions.DEFAULT.withFresh(FreshMemory.ZERO));
        try (CudaContext context = Drivers.open(driver);
                Arena arena = Arena.ofConfined()) {
            CudaStream stream = context.stream();
            CudaFunction scale = context.load(SCALE).function("scale");
            CudaMemory in = context.allocate(4 * COUNT);
            KernelArguments arguments = new KernelArguments(4, arena);
            arguments.set(0, in, 0).set(1, in, 4).set(2, 0.5f).set(3, COUNT);
            scale.launch(stream, LaunchShape.of(4, 32), arguments);
            CudaException failure = assertThrows(CudaException.class, stream::synchronize);
            assertEquals(CudaStatus.ILLEGAL_ADDRESS.code(), failure.code());
            String diagnostic = driver.diagnostics().getLast();
            assertTrue(diagnostic.startsWith("scale: CUDA_ERROR_ILLEGAL_ADDRESS"), diagnostic);
            assertTrue(diagnostic.contains("st.global.f32"), diagnostic);
            assertThrows(CudaException.class, context::freeBytes, "the error stays");
        }
        driver.reset(EmulatedOptions.DEFAULT);
    }

    @Test
    void aKernelThatDoesNotWaitForItsInputShows() {
        assertEquals(0, wrongSeeds(true));
        int wrong = wrongSeeds(false);
        assertTrue(wrong >= 5, () -> wrong + " of 40");
    }

    private int wrongSeeds(boolean awaits) {
        int wrong = 0;
        for (int seed = 0; seed < 40; seed++) {
            driver.reset(EmulatedOptions.DEFAULT.withSeed(seed).withFresh(FreshMemory.POISONED));
            try (Scaling scaling = new Scaling(driver);
                    CudaStream copies = scaling.context.stream();
                    CudaEvent copied = scaling.context.event()) {
                scaling.host.segment().fill((byte) 0);
                copies.copyToDevice(scaling.in, 0, scaling.host.segment());
                copied.record(copies);
                if (awaits) {
                    scaling.stream.await(copied);
                }
                scaling.launch();
                scaling.stream.synchronize();
                copies.synchronize();
                wrong += scaling.download()[COUNT - 1] == 0f ? 0 : 1;
            }
        }
        return wrong;
    }

    @Test
    void chargesWhatAKernelMoves() {
        driver.reset(EmulatedOptions.DEFAULT.withTimeline());
        try (Scaling scaling = new Scaling(driver)) {
            scaling.upload();
            scaling.launch();
            scaling.launch(); // whose cost is known by now
            scaling.arguments.set(3, 8);
            scaling.launch();
            scaling.download();
            List<TimelineEntry> kernels = driver.timeline().stream()
                    .filter(entry -> entry.engine() == EngineKind.COMPUTE)
                    .toList();
            double sectors = 2 * Math.ceil(4 * COUNT / 32.0);
            assertEquals(2_000 + 32 * sectors / (360 * 0.8), nanos(kernels.get(0)), 1e-6);
            assertEquals(nanos(kernels.get(0)), nanos(kernels.get(1)), 1e-6);
            assertNotEquals(nanos(kernels.get(0)), nanos(kernels.get(2)), 1e-6);
        }
    }

    private static double nanos(TimelineEntry entry) {
        return entry.endNanos() - entry.startNanos();
    }

    @Test
    void callsHostFunctionsInTheOrderOfTheStream() {
        driver.reset(EmulatedOptions.DEFAULT);
        AtomicInteger status = new AtomicInteger();
        AtomicLong given = new AtomicLong();
        CUhostFnI called = data -> {
            given.set(data);
            status.set(CU.cuCtxSynchronize());
        };
        try (CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                CUhostFn function = CUhostFn.create(called)) {
            assertStatus(CudaStatus.SUCCESS, CU.cuLaunchHostFunc(stream.handle(), function, 77));
            stream.synchronize();
            assertEquals(77, given.get());
            assertStatus(CudaStatus.NOT_PERMITTED, status.get());
            context.synchronize();
        }
    }
}

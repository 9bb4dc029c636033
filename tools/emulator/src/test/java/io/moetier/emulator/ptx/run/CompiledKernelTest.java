package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.module.PtxKernel;
import io.moetier.emulator.ptx.module.PtxModule;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Kernels that nvcc has compiled, against plain loops, in order and in three shuffled orders.
class CompiledKernelTest {
    private static final String TEXT = text();

    private static String text() {
        try (InputStream in = CompiledKernelTest.class.getResourceAsStream("/ptx/compiled.ptx")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /// A device with the module, and what a test puts there.
    private static final class Device implements AutoCloseable {
        final DeviceMemory memory = new DeviceMemory(1 << 24, FreshMemory.FAULTS);
        final PtxModule module = PtxModule.parse(TEXT);
        final LoadedModule loaded = new LoadedModule(module, memory);
        final Arena arena = Arena.ofConfined();
        final LaunchOptions options;

        Device(int seed) {
            options = seed == 0 ? LaunchOptions.DEFAULT : LaunchOptions.DEFAULT.withSeed(seed);
        }

        long put(MemorySegment data) {
            long address = memory.allocate(data.byteSize());
            memory.write(address, data);
            return address;
        }

        long floats(float... values) {
            return put(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }

        long ints(int... values) {
            return put(arena.allocateFrom(ValueLayout.JAVA_INT, values));
        }

        float[] readFloats(long address, int count) {
            MemorySegment host = arena.allocate(4L * count);
            memory.read(address, host);
            return host.toArray(ValueLayout.JAVA_FLOAT);
        }

        int[] readInts(long address, int count) {
            MemorySegment host = arena.allocate(4L * count);
            memory.read(address, host);
            return host.toArray(ValueLayout.JAVA_INT);
        }

        void launch(String name, int blocks, int threads, int shared, long... arguments) {
            PtxKernel kernel = module.kernel(name).orElseThrow();
            MemorySegment parameters = arena.allocate(kernel.parameterBytes(), 8);
            for (int i = 0; i < arguments.length; i++) {
                PtxParameter parameter = kernel.parameters().get(i);
                if (parameter.bytes() == 8) {
                    parameters.set(ValueLayout.JAVA_LONG, parameter.offset(), arguments[i]);
                } else {
                    parameters.set(ValueLayout.JAVA_INT, parameter.offset(), (int) arguments[i]);
                }
            }
            loaded.launch(kernel, new Launch(Extent.of(blocks), Extent.of(threads), shared, parameters), options);
        }

        @Override
        public void close() {
            loaded.close();
            memory.close();
            arena.close();
        }
    }

    private static float[] random(int count, float scale) {
        SplittableRandom random = new SplittableRandom(count);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-scale, scale);
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void sumsRowsThroughSharedMemory(int seed) {
        try (Device device = new Device(seed)) {
            float[] x = random(6 * 520, 3);
            long out = device.memory.allocate(24);
            device.launch("row_sums", 6, 128, 0, out, device.floats(x), 520);
            float[] found = device.readFloats(out, 6);
            double[] weights = {0.5, -1.25, 2, 0.125};
            for (int row = 0; row < 6; row++) {
                double sum = 0;
                for (int i = 0; i < 520; i++) {
                    sum += x[row * 520 + i];
                }
                assertEquals(sum * weights[row & 3], found[row], 1e-3);
            }
            assertEquals(6, device.readInts(device.loaded.addressOf("calls").orElseThrow(), 1)[0]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void multipliesBytesOfStagedActivations(int seed) {
        try (Device device = new Device(seed)) {
            SplittableRandom random = new SplittableRandom(1);
            int[] weights = random.ints(96 * 9).toArray();
            int[] x = random.ints(9).toArray();
            short[] scales = new short[96];
            for (int i = 0; i < 96; i++) {
                scales[i] = Float.floatToFloat16((i - 40) * 0.01f);
            }
            long out = device.memory.allocate(96 * 4);
            long scale = device.put(device.arena.allocateFrom(ValueLayout.JAVA_SHORT, scales));
            device.launch("byte_rows", 2, 48, 36, out, device.ints(weights), scale, device.ints(x), 9);
            float[] found = device.readFloats(out, 96);
            for (int row = 0; row < 96; row++) {
                int sum = 0;
                for (int i = 0; i < 36; i++) {
                    sum += (byte) (weights[row * 9 + i / 4] >> (8 * (i % 4))) * (byte) (x[i / 4] >> (8 * (i % 4)));
                }
                assertEquals(Float.float16ToFloat(scales[row]) * sum, found[row]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void walksThroughDigitsInDivergentLoops(int seed) {
        try (Device device = new Device(seed)) {
            int[] x = new SplittableRandom(5).ints(100, -5, 2_000_000_000).toArray();
            long out = device.memory.allocate(800);
            device.launch("digits", 2, 64, 0, out, device.ints(x), 100);
            int[] found = device.readInts(out, 200);
            for (int i = 0; i < 100; i++) {
                int sum = 0;
                int steps = 0;
                for (int v = x[i]; v > 0; v /= 10) {
                    sum += v % 10 > 4 ? v % 10 : -(v % 10);
                    steps++;
                }
                assertEquals(sum, found[2 * i]);
                assertEquals(steps, found[2 * i + 1]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void takesASoftmax(int seed) {
        try (Device device = new Device(seed)) {
            float[] x = random(32, 10);
            long out = device.memory.allocate(128);
            long best = device.memory.allocate(4);
            device.launch("softmax32", 1, 32, 0, out, best, device.floats(x));
            int top = 0;
            double sum = 0;
            for (int i = 0; i < 32; i++) {
                top = x[i] > x[top] ? i : top;
                sum += Math.exp(x[i]);
            }
            float[] found = device.readFloats(out, 32);
            for (int i = 0; i < 32; i++) {
                assertEquals(Math.exp(x[i]) / sum, found[i], 1e-6 * found[i] + 1e-9);
            }
            assertEquals(top, device.readInts(best, 1)[0]);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 100, 5e6, 1e30})
    void reducesLargeAnglesExactly(double scale) {
        try (Device device = new Device(0)) {
            float[] angles = random(64, (float) scale);
            long out = device.memory.allocate(64 * 8);
            device.launch("rotate", 1, 64, 0, out, device.floats(angles));
            float[] found = device.readFloats(out, 128);
            for (int i = 0; i < 64; i++) {
                assertEquals(Math.cos(angles[i]), found[2 * i], 3e-7);
                assertEquals(Math.sin(angles[i]), found[2 * i + 1], 3e-7);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void computesWithHalves(int seed) {
        try (Device device = new Device(seed)) {
            float[] x = random(128, 8);
            long halves = device.memory.allocate(64 * 4);
            long brains = device.memory.allocate(64 * 2);
            device.launch("halves", 1, 64, 0, halves, brains, device.floats(x));
            int[] packed = device.readInts(halves, 64);
            int[] products = device.readInts(brains, 32);
            for (int i = 0; i < 64; i++) {
                for (int j = 0; j < 2; j++) {
                    float half = Float.float16ToFloat(Float.floatToFloat16(x[2 * i + j]));
                    short expected = Float.floatToFloat16((float) ((double) half * half + (j == 0 ? 1 : -1)));
                    assertEquals(expected, (short) (packed[i] >> (16 * j)));
                }
                int bits = Float.floatToRawIntBits(x[2 * i] * x[2 * i + 1]);
                int rounded = (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
                assertEquals((short) rounded, (short) (products[i / 2] >> (16 * (i % 2))));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void gathersPlacesWithVotes(int seed) {
        try (Device device = new Device(seed)) {
            int[] x = new SplittableRandom(9).ints(300, 0, 100).toArray();
            long out = device.memory.allocate(1200);
            long count = device.ints(0);
            device.launch("odd_places", 5, 64, 0, out, count, device.ints(x), 300);
            int found = device.readInts(count, 1)[0];
            int[] places = device.readInts(out, found);
            java.util.Arrays.sort(places);
            int next = 0;
            for (int i = 0; i < 300; i++) {
                if (x[i] % 2 != 0) {
                    assertEquals(i, places[next++]);
                }
            }
            assertEquals(found, next);
        }
    }
}

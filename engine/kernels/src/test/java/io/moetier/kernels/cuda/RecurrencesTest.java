package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.LinearAttentionShape;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Operations whose tokens follow each other, results and states.
///
/// Tolerance: the processor sums in float32 as the device does, in the same order but for a decayed state, which one of
/// them rounds once more; exponentials are within 2 units in the last place.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RecurrencesTest {
    private static final long SEED = 4711;
    private static final double TOLERANCE = 5e-6;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    private static float[] positive(int length, Random random) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = random.nextFloat();
        }
        return floats;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5})
    void convolves(int n) {
        int channels = 131;
        int width = 4;
        float[] x = floats(n * channels, random);
        float[] taps = floats(width * channels, random);
        float[] bias = floats(channels, random);
        float[] state = floats(width * channels, random);
        for (boolean wantsState : new boolean[] {false, true}) {
            devices.assertClose(TOLERANCE, SEED + ": convolution", (device, arena) -> {
                DeviceBuffer inPlace = buffer(device, arena, x);
                DeviceBuffer kept = buffer(device, arena, state);
                device.kernels().causalConvolution(inPlace, n, channels, taps, bias, kept);
                device.kernels().causalConvolution(inPlace, n, channels, taps, null, kept);
                return wantsState ? kept : inPlace;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5})
    void scans(int n) {
        int channels = 140;
        int stateSize = 6;
        float[] x = floats(n * channels, random);
        float[] step = positive(n * channels, random);
        float[] b = floats(n * stateSize, random);
        float[] c = floats(n * stateSize, random);
        float[] rates = positive(stateSize * channels, random);
        float[] state = floats(stateSize * channels, random);
        for (boolean wantsState : new boolean[] {false, true}) {
            devices.assertClose(TOLERANCE, SEED + ": scan", (device, arena) -> {
                DeviceBuffer kept = buffer(device, arena, state);
                DeviceBuffer out = device.allocate(n * channels, arena);
                device.kernels()
                        .selectiveScan(
                                buffer(device, arena, x),
                                buffer(device, arena, step),
                                buffer(device, arena, b),
                                buffer(device, arena, c),
                                n,
                                channels,
                                rates,
                                kept,
                                out);
                return wantsState ? kept : out;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void attendsLinearly(boolean delta) {
        int n = 4;
        LinearAttentionShape shape = new LinearAttentionShape(2, 6, 12, 20, delta);
        float[] q = floats(n * 2 * 12, random);
        float[] k = floats(n * 2 * 12, random);
        float[] v = floats(n * 6 * 20, random);
        float[] step = positive(n * 6, random);
        float[] strength = positive(n * 6, random);
        float[] rates = positive(6, random);
        float[] state = floats(shape.stateSize(), random);
        for (int i = 0; i < k.length; i++) {
            k[i] /= 8; // as keys are normalised
        }
        for (boolean scaled : new boolean[] {false, true}) {
            for (boolean wantsState : new boolean[] {false, true}) {
                devices.assertClose(TOLERANCE, SEED + ": linear attention", (device, arena) -> {
                    DeviceBuffer kept = buffer(device, arena, state);
                    DeviceBuffer out = device.allocate(v.length, arena);
                    device.kernels()
                            .linearAttention(
                                    buffer(device, arena, q),
                                    buffer(device, arena, k),
                                    buffer(device, arena, v),
                                    scaled ? buffer(device, arena, step) : null,
                                    scaled ? buffer(device, arena, strength) : null,
                                    rates,
                                    n,
                                    shape,
                                    kept,
                                    out);
                    return wantsState ? kept : out;
                });
            }
        }
    }
}

package io.moetier.runtime.remote;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.tensor.RandomMatrix;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Tells which bits a device's kernels compute for experts.
public final class KernelBits {
    private static final int LEAST_SIZE = 96; // six tiles, and more than one vector
    private static final int SEED = 24;
    private static final int HEX_DIGITS = 16;

    /// A decoded token, several together, and a batch that is computed in another way.
    private static final int[] ROWS = {1, 3, 17};

    private static final List<DType> TYPES = List.of(
            DType.F32,
            DType.F16,
            DType.BF16,
            DType.Q8_0,
            DType.Q4_0,
            DType.Q4_1,
            DType.Q4_K,
            DType.Q6_K,
            DType.MXFP4);

    private static final List<FfnActivation> ACTIVATIONS = List.of(
            FfnActivation.SWIGLU,
            FfnActivation.GEGLU,
            new FfnActivation.ClampedSwiGlu(7f, 1.702f),
            new FfnActivation.LimitedSwiGlu(5f),
            FfnActivation.RELU,
            FfnActivation.SQUARED_RELU);

    private KernelBits() {}

    /// Returns a short word that is the same on two machines if their kernels compute the same bits, as far as can be
    /// told: if their code is the same, built alike and for the same instructions, and if it has the same results for
    /// some experts of several types and activations. Takes some ten milliseconds.
    public static String of(Device device) {
        MessageDigest digest = sha256();
        digest.update(device.code().getBytes(StandardCharsets.UTF_8));
        digest.update(device.activations().name().getBytes(StandardCharsets.UTF_8));
        SplittableRandom random = new SplittableRandom(SEED);
        for (DType dtype : TYPES) {
            update(digest, device, dtype, FfnActivation.SWIGLU, random);
        }
        for (FfnActivation activation : ACTIVATIONS) {
            update(digest, device, DType.F32, activation, random);
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, HEX_DIGITS);
    }

    private static void update(
            MessageDigest digest, Device device, DType dtype, FfnActivation activation, SplittableRandom random) {
        int size = Math.max(LEAST_SIZE, dtype.blockElements());
        int most = Arrays.stream(ROWS).max().orElseThrow();
        try (Arena mainMemory = Arena.ofConfined();
                Arena arena = device.newArena()) {
            @Nullable WeightMatrix gate = activation.isGated() ? matrix(device, dtype, size, random, mainMemory, arena) : null;
            ExpertWeights expert = new ExpertWeights(
                    activation,
                    gate,
                    matrix(device, dtype, size, random, mainMemory, arena),
                    matrix(device, dtype, size, random, mainMemory, arena),
                    null,
                    null,
                    null);
            float[] rows = new float[most * size];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = (float) (random.nextDouble(-1, 1) / size);
            }
            DeviceBuffer inputs = device.allocate(rows.length, arena);
            DeviceBuffer outputs = device.allocate(rows.length, arena);
            device.upload(rows, 0, rows.length, inputs, 0);
            int[] each = IntStream.range(0, most).toArray();
            ExpertBatch batch = new ExpertBatch();
            for (int n : ROWS) {
                batch.begin(each, each, n);
                batch.add(expert, 0, n);
                device.kernels().expertFfn(batch, inputs, outputs);
                float[] results = new float[n * size];
                device.download(outputs, 0, results.length, results, 0);
                ByteBuffer bytes = ByteBuffer.allocate(results.length * Float.BYTES);
                bytes.asFloatBuffer().put(results);
                digest.update(bytes);
            }
        }
    }

    private static WeightMatrix matrix(
            Device device, DType dtype, int size, SplittableRandom random, Arena mainMemory, Arena arena) {
        return device.hold(RandomMatrix.of(dtype, size, size, random, mainMemory), arena);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JVM has it
        }
    }
}

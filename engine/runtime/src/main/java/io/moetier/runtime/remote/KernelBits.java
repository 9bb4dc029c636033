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
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Tells which bits a device's kernels compute for experts.
///
/// Plain, vector and native kernels add in different orders, so each has bits of its own, of every type of weights.
/// Native kernels of one build have the same for AVX2, AVX-512 and AMX: that was watched for all types of weights, all
/// activations and passes of 1 to 64 rows, each level with the same experts of 512 by 256. So machines of one platform
/// mostly suit each other, and those of different platforms never do, as their libraries differ. A GPU's kernels have
/// bits of their own as well, and so has a processor that computes beside one.
public final class KernelBits {
    private static final int SEED = 24;
    private static final int HEX_DIGITS = 16;
    private static final int SIZE = 64; // of a row, two blocks of most types
    private static final int WIDTH = 32; // two tiles

    /// A decoded token, several together, and a batch that is computed in another way.
    private static final int[] ROWS = {1, 3, 17};

    private static final int MOST_ROWS = 17;

    private static final List<DType> TYPES =
            List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0, DType.Q4_1, DType.Q4_K, DType.MXFP4);

    private static final List<FfnActivation> ACTIVATIONS = List.of(
            FfnActivation.GEGLU,
            new FfnActivation.ClampedSwiGlu(7f, 1.702f),
            new FfnActivation.LimitedSwiGlu(5f),
            new FfnActivation.CappedSwiGlu(3f),
            FfnActivation.RELU,
            FfnActivation.SQUARED_RELU);

    private final Device device;
    private final Arena mainMemory;
    private final Arena arena; // of the device
    private final SplittableRandom random = new SplittableRandom(SEED);
    private final MessageDigest digest = sha256();
    private final ExpertBatch batch = new ExpertBatch();
    private final int[] each = IntStream.range(0, MOST_ROWS).toArray();

    private KernelBits(Device device, Arena mainMemory, Arena arena) {
        this.device = device;
        this.mainMemory = mainMemory;
        this.arena = arena;
    }

    /// Returns a short word that is the same on two machines if their kernels compute the same bits, as far as
    /// can be told: if their code is the same and built alike, and has the same results for some experts of several
    /// types and activations, a few rows each.
    ///
    /// Code that nobody has used yet runs slowly: native kernels take some tens of milliseconds, the others more.
    public static String of(Device device) {
        try (Arena mainMemory = Arena.ofShared();
                Arena arena = device.newArena()) {
            return new KernelBits(device, mainMemory, arena).word();
        }
    }

    private String word() {
        digest.update(device.code().getBytes(StandardCharsets.UTF_8));
        digest.update(device.activations().name().getBytes(StandardCharsets.UTF_8));
        TYPES.forEach(dtype -> update(dtype, FfnActivation.SWIGLU, ROWS));
        ACTIVATIONS.forEach(activation -> update(DType.F32, activation, 1));
        return HexFormat.of().formatHex(digest.digest()).substring(0, HEX_DIGITS);
    }

    /// Adds the results of an expert for so many rows at a time. Down is of another type where blocks are longer than
    /// what it reads.
    private void update(DType dtype, FfnActivation activation, int... rows) {
        int size = Math.max(SIZE, dtype.blockElements());
        ExpertWeights expert = new ExpertWeights(
                activation,
                activation.isGated() ? matrix(dtype, WIDTH, size) : null,
                matrix(dtype, WIDTH, size),
                matrix(dtype.blockElements() > WIDTH ? DType.Q8_0 : dtype, size, WIDTH),
                null,
                null,
                null);
        float[] x = new float[MOST_ROWS * size];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextDouble(-1, 1);
        }
        DeviceBuffer inputs = device.allocate(x.length, arena);
        DeviceBuffer outputs = device.allocate(x.length, arena);
        device.upload(x, 0, x.length, inputs, 0);
        for (int n : rows) {
            batch.begin(each, each, n);
            batch.add(expert, 0, n);
            device.kernels().expertFfn(batch, inputs, outputs);
            device.download(outputs, 0, n * size, x, 0);
            ByteBuffer bytes = ByteBuffer.allocate(n * size * Float.BYTES);
            bytes.asFloatBuffer().put(x, 0, n * size);
            digest.update(bytes);
        }
    }

    private WeightMatrix matrix(DType dtype, int rows, int cols) {
        return device.hold(RandomMatrix.of(dtype, rows, cols, random, mainMemory), arena);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JVM has it
        }
    }
}

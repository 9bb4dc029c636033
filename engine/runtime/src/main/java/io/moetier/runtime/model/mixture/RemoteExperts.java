package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.MixtureBuffers;
import io.moetier.runtime.offload.MissCosts;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The experts that another device computes: rows of activations go there and come back, weights stay where they are.
///
/// Results are gathered there and come back together, at once for a decoded token and by a thousand rows for a prompt,
/// to the rows that the experts would have written themselves. Where a row was computed, and when it came, cannot
/// change a bit if the kernels are the same. Owns buffers on both devices, as long as these; confined to the thread
/// that computes.
final class RemoteExperts implements ExpertPlace {
    private final Device main;
    private final Device device;
    private final @Nullable MissCosts costs; // is told what computing takes
    private final DeviceBuffer inputs; // [inputRows, mostSize]
    private final DeviceBuffer outputs; // [rows, mostSize]
    private final DeviceBuffer returned; // [rows, mostSize], on the main device
    private final float[] results; // [rows, mostSize]
    private final int[] everyRow; // [rows]: 0, 1, 2, …
    private final int[] finalRows; // [rows], where outputs go on the main device
    private final int[] outRows; // by the index into rows and tokens of the groups
    private final ExpertBatch batch = new ExpertBatch();
    private @Nullable MixtureBuffers buffers; // null before the first layer
    private int n;
    private int[] readRows;
    private int numRows;
    private int size; // of a row

    /// @param main computes everything else
    /// @param choices the most rows that experts may write in one pass, `tokens` those that any one may
    /// @param mostSize elements of a row of the widest layer
    /// @param costs null if nobody wants to know
    RemoteExperts(
            Device main,
            Device device,
            int inputRows,
            int choices,
            int tokens,
            int mostSize,
            @Nullable MissCosts costs) {
        this.main = main;
        this.device = device;
        this.costs = costs;
        int rows = rows(choices, tokens);
        inputs = device.allocate(Math.multiplyExact(inputRows, mostSize));
        outputs = device.allocate(Math.multiplyExact(rows, mostSize));
        returned = main.allocate(Math.multiplyExact(rows, mostSize));
        results = new float[rows * mostSize];
        everyRow = IntStream.range(0, rows).toArray();
        finalRows = new int[rows];
        outRows = new int[choices];
        readRows = outRows;
    }

    private static int rows(int choices, int tokens) {
        return Math.min(choices, Math.max(tokens, ExpertBatch.MOST_ROWS));
    }

    /// Returns the bytes of the buffers on the other device.
    static long bytesThere(int inputRows, int choices, int tokens, int mostSize) {
        return (long) Float.BYTES * mostSize * (inputRows + rows(choices, tokens));
    }

    /// Returns the bytes of the buffers on the main device.
    static long bytesHere(int choices, int tokens, int mostSize) {
        return (long) Float.BYTES * mostSize * rows(choices, tokens);
    }

    /// Forgets what a layer that failed has left.
    void clear() {
        numRows = 0;
        batch.begin(readRows, outRows, n);
    }

    /// Begins a layer of `n` tokens whose experts read rows `inputRows` of `activations` `[.., size]`, which has
    /// `floats`.
    void begin(int n, MixtureBuffers buffers, float[] activations, int floats, int size, int[] inputRows) {
        this.n = n;
        this.size = size;
        this.buffers = buffers;
        readRows = inputRows;
        clear();
        device.upload(activations, 0, floats, inputs, 0);
    }

    @Override
    public void add(ExpertWeights weights, int expert) {
        ExpertGroups groups = begun().groups();
        int from = groups.start(expert);
        int n = groups.size(expert);
        if (numRows + n > everyRow.length) {
            compute();
            bringBack();
        } else if (!batch.hasRoom(weights, n)) {
            compute();
        }
        for (int i = from; i < from + n; i++) {
            finalRows[numRows] = groups.rows[i];
            outRows[i] = numRows++;
        }
        batch.add(weights, from, n);
    }

    @Override
    public void compute() {
        if (batch.size() == 0) {
            return;
        }
        long start = System.nanoTime();
        device.kernels().expertFfn(batch, inputs, outputs);
        if (costs != null) {
            costs.computed(weightBytes(), batch.numRows() / batch.size(), System.nanoTime() - start);
        }
        batch.begin(readRows, outRows, n);
    }

    private long weightBytes() {
        long bytes = 0;
        for (int i = 0; i < batch.size(); i++) {
            ExpertWeights weights = batch.get(i);
            bytes += weights.up().bytes().byteSize() + weights.down().bytes().byteSize();
            bytes += weights.gate() == null ? 0 : weights.gate().bytes().byteSize();
        }
        return bytes;
    }

    /// Waits for what was computed, and writes it where it belongs on the main device.
    void bringBack() {
        if (numRows > 0) {
            device.download(outputs, 0, numRows * size, results, 0);
            main.upload(results, 0, numRows * size, returned, 0);
            main.kernels().copyRows(returned, everyRow, finalRows, 0, numRows, size, begun().expertRows());
            numRows = 0;
        }
    }

    private MixtureBuffers begun() {
        if (buffers == null) {
            throw new IllegalStateException("no layer has begun");
        }
        return buffers;
    }
}

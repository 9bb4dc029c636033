package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.PinnedMemory;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.RouterWeights;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.kernels.device.Routing.SparseMixer;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Routers: their products and the choice of experts, which is part of the product's launch if the weights are floats,
/// and else a launch of its own. Ids and weights stay on the device; one copy brings both to the host.
final class RouterProducts implements AutoCloseable {
    private static final int MOST_EXPERTS = 1024; // a lane has 32 of them
    static final int MOST_CHOSEN = 64;
    private static final int MOST_GROUPS = 32; // a lane has one of them
    private static final int MOST_ROWS = 4096;

    /// What becomes of a logit; numbers.cuh has the same numbers from here.
    enum ScoreCode {
        SOFTMAX,
        SIGMOID,
        SPARSE_MIXER
    }

    private final CudaDevice device;
    private final CudaStream stream;
    private final KernelModules kernels;
    private final Tasks tasks;
    private final ParameterBlock parameter;
    private final VectorsHeld vectors;
    private final StructWriter writer = new StructWriter();
    private @Nullable PinnedMemory returned; // what comes back: as the room of the choices

    RouterProducts(
            CudaDevice device,
            CudaStream stream,
            KernelModules kernels,
            Tasks tasks,
            ParameterBlock parameter,
            VectorsHeld vectors) {
        this.device = device;
        this.stream = stream;
        this.kernels = kernels;
        this.tasks = tasks;
        this.parameter = parameter;
        this.vectors = vectors;
    }

    /// Says whether the kernels can choose so; beyond what they have registers and shared memory for, the host does.
    static boolean canChoose(Routing routing, int n) {
        return !(routing.score() instanceof Routing.SqrtSoftplus)
                && routing.numExperts() <= MOST_EXPERTS
                && routing.numExpertsPerToken() <= MOST_CHOSEN
                && routing.groups().count() <= MOST_GROUPS
                && n <= MOST_ROWS;
    }

    /// As [io.moetier.kernels.device.Kernels#route], of a rule that [#canChoose] allows.
    void route(RouterWeights router, CudaBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        int count = n * router.routing().numExpertsPerToken();
        CudaBuffer room = (CudaBuffer) choices.room();
        PinnedMemory host = returned((long) choices.room().length() * Float.BYTES);
        WeightMatrix[] ws = router.matrices();
        for (int i = ws.length - 1; i > 0; i--) {
            if (MatrixProducts.firstOfType(ws, i) == i) {
                int rows = collect(router, i, x, n, outs);
                launchProduct(ws[i].dtype(), rows, n);
            }
        }
        int rows = collect(router, 0, x, n, outs);
        DType dtype = ws[0].dtype();
        long correction = vectors.address(router.correction());
        long logits = ((CudaBuffer) outs[0]).address(0);
        CudaFunction fused = kernels.router(dtype, n == 1);
        if (fused != null) {
            describe(writer.begin(parameter.bytes(), Tasks.PARAMETER_BYTES), router, logits, correction, room, n);
            tasks.launch(fused, WeightMatrix.tiles(rows), MatrixProducts.groups(n), scoreBytes(router, n));
        } else {
            launchProduct(dtype, rows, n);
            describe(parameter.begin(), router, logits, correction, room, n);
            int most = MatrixProducts.ROWS_TOGETHER;
            kernels.chooseExperts.launch(
                    stream, MatrixProducts.groups(n), 1, 1, Tasks.THREADS, scoreBytes(router, most), parameter);
        }
        bring(room, count, host.segment(), choices);
    }

    /// Lists the maps whose weights are of the type of map `first`; returns the most rows of them.
    private int collect(RouterWeights router, int first, CudaBuffer x, int n, DeviceBuffer[] outs) {
        WeightMatrix[] ws = router.matrices();
        int count = 0;
        for (WeightMatrix w : ws) {
            count += w.dtype() == ws[first].dtype() ? 1 : 0;
        }
        tasks.begin(count);
        int mostRows = 0;
        for (int i = first; i < ws.length; i++) {
            WeightMatrix w = ws[i];
            if (w.dtype() == ws[first].dtype()) {
                CudaBuffer out = (CudaBuffer) outs[i];
                tasks.weights(w.bytes().address(), vectors.address(router.biases()[i]))
                        .x(x.address(0), w.cols(), 0)
                        .out(out.address(0), w.rows(), 0)
                        .add(w.rows(), w.cols(), n, null);
                mostRows = Math.max(mostRows, w.rows());
            }
        }
        return mostRows;
    }

    private void launchProduct(DType dtype, int mostRows, int n) {
        KernelModules.ForType type = kernels.of(dtype);
        tasks.launchProducts(
                n == 1 ? type.one() : type.several(), WeightMatrix.tiles(mostRows), MatrixProducts.groups(n));
    }

    /// Returns the shared memory of a block for the scores of up to `n` rows.
    private static int scoreBytes(RouterWeights router, int n) {
        return Math.min(n, MatrixProducts.ROWS_TOGETHER) * router.routing().numExperts() * Double.BYTES;
    }

    @SuppressWarnings("EnumOrdinal") // numbers.cuh is made of them
    private static void describe(
            StructWriter writer, RouterWeights router, long logits, long correction, CudaBuffer room, int n) {
        Routing routing = router.routing();
        ScoreCode code = code(routing.score());
        boolean mixes = code == ScoreCode.SPARSE_MIXER;
        int k = routing.numExpertsPerToken();
        writer.address(logits)
                .address(mixes ? 0 : correction)
                .address(room.address(0))
                .address(room.address((long) n * k))
                .number(routing.score() instanceof SparseMixer mixer ? 2 * mixer.epsilon() : 0.0);
        if (routing.normalisation().isPresent()) {
            Normalisation by = routing.normalisation().get();
            writer.number(by.order()).number(by.epsilon()).number(by.least());
        } else {
            writer.number(0.0).number(0.0).number(0.0);
        }
        Groups groups = routing.groups();
        writer.number(routing.factor())
                .number(n)
                .number(routing.numExperts())
                .number(k)
                .number(code.ordinal())
                .number(mixes ? 1 : groups.count())
                .number(groups.chosen())
                .flag(groups.rank() == Groups.Rank.SUM_OF_TWO)
                .flag(groups.exclusive());
    }

    private static ScoreCode code(Score score) {
        if (score instanceof SparseMixer) { // no switch on patterns, which may allocate
            return ScoreCode.SPARSE_MIXER;
        }
        return score instanceof Routing.Sigmoid ? ScoreCode.SIGMOID : ScoreCode.SOFTMAX;
    }

    /// Copies the choices to the host: the only wait of a layer.
    private void bring(CudaBuffer room, int count, MemorySegment host, ExpertChoices choices) {
        long byteSize = (long) ExpertChoices.floats(count) * Float.BYTES;
        stream.copyToHost(room.address(0), host.address(), byteSize);
        stream.synchronize();
        MemorySegment.copy(host, JAVA_FLOAT, 0, choices.weights(), 0, count);
        MemorySegment.copy(host, JAVA_INT, (long) count * Float.BYTES, choices.ids(), 0, count);
        choices.chosenOnDevice();
    }

    private PinnedMemory returned(long byteSize) {
        if (returned == null || returned.segment().byteSize() < byteSize) {
            close();
            returned = device.context().pinned(byteSize);
        }
        return returned;
    }

    @Override
    public void close() {
        if (returned != null) {
            returned.close();
            returned = null;
        }
    }
}

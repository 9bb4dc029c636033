package io.moetier.runtime.model.block;

import io.moetier.kernels.device.CompressedShape.Pooling;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.CompressorSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;

/// Makes entries of positions, as [CompressorSpec] says.
public final class Compressor {
    static final int ENTRIES = 2; // of its intermediate results, behind values and gates

    private final int number;
    private final int part;
    private final Linear value;
    private final Linear gate;
    private final float[] places;
    private final Norm norm;
    private final RopeTable rope;
    private final Pooling pooling;

    /// @param number of the blocks with states
    /// @param part of the block's state
    /// @param rope by entries
    public Compressor(int number, int part, CompressorSpec spec, Weights weights, RopeTable rope) {
        this.number = number;
        this.part = part;
        this.rope = rope;
        value = Linear.load(spec.value(), weights);
        gate = Linear.load(spec.gate(), weights);
        places = weights.vector(spec.places());
        norm = Norm.load(spec.norm(), weights);
        pooling = spec.pooling();
    }

    /// Returns the number of the first entry that is complete with the tokens of a pass.
    int firstEntry(Pass pass) {
        return pooling.entries(pass.firstPosition());
    }

    /// Makes the entries that are complete with the tokens of a pass, and returns how many they are.
    ///
    /// @param results its intermediate results, from `first` on
    int compress(Kernels kernels, Pass pass, DeviceBuffer x, DeviceBuffer[] results, int first, KvCache cache) {
        int n = pass.n();
        int firstEntry = firstEntry(pass);
        int count = pooling.entries(pass.firstPosition() + n) - firstEntry;
        DeviceBuffer entries = results[first + ENTRIES];
        value.apply(kernels, x, n, results[first]);
        gate.apply(kernels, x, n, results[first + 1]);
        DeviceBuffer state = cache.state(number)[part];
        kernels.compress(results[first], results[first + 1], places, n, pass.firstPosition(), pooling, state, entries);
        norm.apply(kernels, entries, count, entries);
        int rotated = rope.rotaryDim();
        kernels.rope(entries, count, 1, pooling.dim(), pooling.dim() - rotated, firstEntry, rope);
        return count;
    }
}

package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.IndexKeysSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;

/// What makes the keys of an indexer.
public sealed interface IndexKeys {
    /// Keeps the keys that are there with the tokens of a pass.
    ///
    /// @param number of the indexer
    /// @param results its intermediate results, from `first` on
    void store(
            Kernels kernels, Pass pass, DeviceBuffer x, DeviceBuffer[] results, int first, KvCache cache, int number);

    /// One for each position, whose first elements are rotated.
    final class OfPositions implements IndexKeys {
        private final Linear linear;
        private final Norm norm;
        private final RopeTable rope;

        public OfPositions(IndexKeysSpec.OfPositions spec, Weights weights, RopeTable rope) {
            linear = Linear.load(spec.linear(), weights);
            norm = Norm.load(spec.norm(), weights);
            this.rope = rope;
        }

        @Override
        public void store(
                Kernels kernels,
                Pass pass,
                DeviceBuffer x,
                DeviceBuffer[] results,
                int first,
                KvCache cache,
                int number) {
            int n = pass.n();
            DeviceBuffer keys = results[first];
            linear.apply(kernels, x, n, keys);
            norm.apply(kernels, keys, n, keys);
            RopeTable table = rope.ofText(pass.textLength());
            kernels.rope(keys, n, 1, norm.size(), 0, pass.firstPosition(), table);
            kernels.storeIndexKeys(keys, n, pass.firstPosition(), cache.index(number));
        }
    }

    /// One for each entry.
    record OfEntries(Compressor compressor) implements IndexKeys {
        @Override
        public void store(
                Kernels kernels,
                Pass pass,
                DeviceBuffer x,
                DeviceBuffer[] results,
                int first,
                KvCache cache,
                int number) {
            int count = compressor.compress(kernels, pass, x, results, first, cache);
            DeviceBuffer entries = results[first + Compressor.ENTRIES];
            kernels.storeIndexKeys(entries, count, compressor.firstEntry(pass), cache.index(number));
        }
    }
}

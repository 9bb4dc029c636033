package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.MixtureBuffers;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.offload.ExpertArrivals;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.LayerExperts;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where experts are computed: on the main device, on other devices, on the processor, and on nodes.
///
/// Confined to the thread that computes; owns buffers on all devices, as long as these.
public final class ExpertPlaces {
    private final Device main;
    private final LocalExperts here;
    private final List<RemoteExperts> others = new ArrayList<>(); // the devices from number 1 on
    private final @Nullable RemoteExperts processor;
    private final @Nullable ExpertsOnNodes nodes;
    private final float[] inputs; // [inputRows, size of the widest]
    private final long bytes;

    /// @param others the devices beside the main one, in the order of the tiers
    /// @param processor computes what devices lack; null if it does not
    /// @param nodes compute what they take; null if there are none
    /// @param batch the most tokens of one pass
    public ExpertPlaces(
            ModelSpec spec,
            Device main,
            List<Device> others,
            @Nullable Device processor,
            @Nullable ExpertsOnNodes nodes,
            int batch,
            ExpertTiers tiers) {
        this.main = main;
        this.nodes = nodes;
        here = new LocalExperts(main.kernels());
        Sizes sizes = Sizes.of(spec, batch);
        for (Device other : others) {
            this.others.add(new RemoteExperts(main, other, sizes.inputRows, sizes.choices, batch, sizes.size, null));
        }
        this.processor = processor == null
                ? null
                : new RemoteExperts(main, processor, sizes.inputRows, sizes.choices, batch, sizes.size, tiers.costs());
        boolean any = !others.isEmpty() || processor != null;
        inputs = new float[any ? sizes.inputRows * sizes.size : 0];
        bytes = (long) (others.size() + (processor == null ? 0 : 1)) * bytesHere(spec, batch)
                + others.size() * bytesThere(spec, batch)
                + (nodes == null ? 0 : ExpertsOnNodes.bytesHere(spec, batch));
    }

    /// How many rows are read and written at most, and of how many elements.
    record Sizes(int inputRows, int choices, int size) {
        static Sizes of(ModelSpec spec, int batch) {
            int most = Math.max(1, spec.mostExpertsPerToken());
            boolean weighsInputs = spec.moeLayers().stream().anyMatch(MoeSpec::weighsInputs);
            int size = spec.moeLayers().stream()
                    .mapToInt(MoeSpec::expertSize)
                    .max()
                    .orElse(1);
            return new Sizes(weighsInputs ? batch * most : batch, batch * most, size);
        }
    }

    /// Returns the bytes that the main device needs for each other place.
    public static long bytesHere(ModelSpec spec, int batch) {
        Sizes sizes = Sizes.of(spec, batch);
        return RemoteExperts.bytesHere(sizes.choices, batch, sizes.size);
    }

    /// Returns the bytes of main memory that the processor beside a device needs, and what is on its way there and
    /// back.
    public static long bytesBeside(ModelSpec spec, int batch) {
        Sizes sizes = Sizes.of(spec, batch);
        return (long) Float.BYTES * sizes.inputRows * sizes.size + bytesHere(spec, batch) + bytesThere(spec, batch);
    }

    /// Returns the bytes that another device needs.
    public static long bytesThere(ModelSpec spec, int batch) {
        Sizes sizes = Sizes.of(spec, batch);
        return RemoteExperts.bytesThere(sizes.inputRows, sizes.choices, batch, sizes.size);
    }

    /// Returns the bytes of all buffers on devices with memory of their own.
    public long byteSize() {
        return bytes;
    }

    /// Begins a layer: sends the experts' inputs to every place that computes something.
    ///
    /// @param activations what they read, `size` elements a row
    /// @param weighed whether experts read a row of their own for every choice, else one of each token
    void begin(
            LayerExperts experts, int n, MixtureBuffers mixture, DeviceBuffer activations, int size, boolean weighed) {
        ExpertGroups groups = mixture.groups();
        int[] rows = weighed ? groups.rows : groups.tokens;
        int floats = (weighed ? groups.numRows() : n) * size;
        boolean downloaded = false; // the inputs, into main memory
        for (int device = 1; device <= others.size() + 1; device++) {
            boolean isOther = device <= others.size();
            RemoteExperts place = isOther ? others.get(device - 1) : processor;
            ExpertArrivals arrivals = isOther ? experts.on(device) : experts.onHost();
            if (place == null || arrivals == null) {
                continue;
            }
            if (arrivals.isEmpty()) {
                place.clear();
                continue;
            }
            if (!downloaded) {
                main.download(activations, 0, floats, inputs, 0);
                downloaded = true;
            }
            place.begin(n, mixture, inputs, floats, size, rows);
        }
    }

    /// Returns the main device.
    LocalExperts here() {
        return here;
    }

    /// Returns a device beside the main one, by its number from 1 on.
    ExpertPlace other(int device) {
        return others.get(device - 1);
    }

    /// Returns the processor.
    ///
    /// @throws IllegalStateException if it computes no experts
    ExpertPlace processor() {
        if (processor == null) {
            throw new IllegalStateException("the processor computes no experts");
        }
        return processor;
    }

    /// Returns what nodes compute; null if there are none.
    @Nullable
    ExpertsOnNodes nodes() {
        return nodes;
    }

    /// Writes the processor's results where they belong.
    void bringBackFromProcessor() {
        if (processor != null) {
            processor.bringBack();
        }
    }

    /// Waits for the results of the devices beside the main one and writes them where they belong.
    void bringBackFromOthers() {
        others.forEach(RemoteExperts::bringBack);
    }
}

package io.moetier.lab.cluster;

import io.moetier.cluster.drive.Judge;
import io.moetier.cluster.placement.Link;
import io.moetier.cluster.placement.PlacerInput.Capacity;
import io.moetier.kernels.device.KvType;
import io.moetier.lab.plan.SpeedForecast;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/// Has nodes compute where a token takes less time so than if the driver computes everything.
///
/// A token's time is that of [Replay], with the members, the ways and the placement that there are. How often experts
/// are used is what the driver knows of it, and how often they are found in memory is what priors say.
public final class TokenTimeJudge implements Judge {
    private static final double COUNTS = 1e6; // as whole numbers, of what is 1 in every token
    private static final double GIGA = 1e9;
    private static final double MEGA = 1e6;

    private final ClusterModel model;
    private final StoreManifest manifest;
    private final int[] layers; // numbers of those with experts that a token goes through
    private final boolean diskIsMeasured;

    /// Judges for one model.
    ///
    /// @param diskIsMeasured whether the speed of the driver's disk is no guess
    public TokenTimeJudge(ModelSpec spec, StoreManifest manifest, boolean diskIsMeasured) {
        this.manifest = manifest;
        this.diskIsMeasured = diskIsMeasured;
        double state = KvCache.bytes(spec, KvType.F16, SpeedForecast.PROMPT_TOKENS);
        model = ClusterModel.of(spec, manifest, state);
        layers = manifest.slotBytesOfLayer().keySet().stream()
                .mapToInt(layer -> layer)
                .filter(layer -> layer >= spec.encoderLayers())
                .toArray();
    }

    @Override
    public NodesVerdict judge(Proposal proposal) {
        long[][] used = used(proposal);
        ClusterVerdict.Question question =
                new ClusterVerdict.Question(model, Choices.byUse(used, model.topK()), cluster(proposal));
        ClusterVerdict verdict = ClusterVerdict.of(question, Owners.of(proposal.placement(), layers, model.experts()));
        boolean isGuess = !diskIsMeasured && verdict.here().parts().share(Parts.Part.DISK) > 0;
        boolean even = Arrays.stream(used)
                .allMatch(layer -> Arrays.stream(layer).distinct().count() == 1);
        String sentence = (verdict.paysOff() ? "experts are computed on nodes: " : "everything is computed here: ")
                + verdict.sentence() + "; now it is " + distance(proposal.ways())
                + " (from speeds of memory and disk, " + (isGuess ? "the disk's being a guess, " : "")
                + "with experts chosen "
                + (even ? "equally often, as nobody has counted them)" : "as often as was counted)");
        return new NodesVerdict(verdict.paysOff(), sentence);
    }

    private long[][] used(Proposal proposal) {
        long[][] used = new long[layers.length][model.experts()];
        for (StoreManifest.Entry entry : manifest.experts()) {
            ExpertId id = entry.id();
            int layer = Arrays.binarySearch(layers, id.layer());
            if (layer >= 0) {
                used[layer][id.expert()] = Math.round(COUNTS * proposal.uses().applyAsDouble(id.pack()));
            }
        }
        return used;
    }

    private static Cluster cluster(Proposal proposal) {
        List<Node> nodes = new ArrayList<>();
        double fastest = 0; // the driver's own link is not slower
        for (int i = 0; i < proposal.ways().size(); i++) {
            Link way = proposal.ways().get(i);
            nodes.add(new Node(machine(proposal.members().get(i + 1)), way));
            fastest = Math.max(fastest, way.bytesPerSecond());
        }
        return new Cluster(machine(proposal.members().getFirst()), fastest, nodes);
    }

    private static Machine machine(Capacity member) {
        return Machine.ofSpeeds(member.name(), member.ramBytes(), member.bytesPerSecond(), member.readBytesPerSecond());
    }

    private static String distance(List<Link> ways) {
        double[] seconds = ways.stream().mapToDouble(Link::roundTripSeconds).toArray();
        double[] bits = ways.stream()
                .mapToDouble(way -> Byte.SIZE * way.bytesPerSecond())
                .filter(Double::isFinite)
                .toArray();
        String rates = bits.length == 0 ? "" : ", " + range(bits, TokenTimeJudge::bits);
        return range(seconds, ClusterVerdict::millis) + rates;
    }

    private static String range(double[] numbers, DoubleFunction<String> words) {
        String least = words.apply(Arrays.stream(numbers).min().orElseThrow());
        String most = words.apply(Arrays.stream(numbers).max().orElseThrow());
        return least.equals(most) ? least : least + " to " + most;
    }

    private static String bits(double perSecond) {
        return perSecond < GIGA
                ? String.format(Locale.ROOT, "%.3g Mbit/s", perSecond / MEGA)
                : String.format(Locale.ROOT, "%.1f Gbit/s", perSecond / GIGA);
    }
}

package io.moetier.lab.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.drive.Judge;
import io.moetier.cluster.placement.Link;
import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.Placer;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.cluster.placement.PlacerInput.Capacity;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Nodes have memory for everything that reads a gigabyte in a second, as the driver has; its disk is a thousandth of
/// that.
class TokenTimeJudgeTest {
    private static final double MEMORY = 1e9;
    private static final double DISK = 1e6;
    private static final Link NEAR = new Link(1e-6, 1e9);
    private static final Link FAR = new Link(10, 1e6);

    @TempDir
    Path folder;

    /// A model as it was imported, and who judges it.
    private record Model(StoreManifest manifest, ModelSpec spec, TokenTimeJudge judge) {
        NodesVerdict verdict(long driverBytes, Link... ways) {
            return verdict(driverBytes, PlacerInput.equalUses(manifest, spec.mostExpertsPerToken()), ways);
        }

        NodesVerdict verdict(long driverBytes, IntToDoubleFunction uses, Link... ways) {
            List<Capacity> members = new ArrayList<>();
            members.add(new Capacity("", driverBytes, MEMORY, DISK, 0, new int[0]));
            for (Link way : ways) {
                double seconds = way.rowSeconds((long) spec.hiddenSize() * Float.BYTES);
                members.add(new Capacity("node " + members.size(), 1 << 30, MEMORY, DISK, seconds, new int[0]));
            }
            Placement placement = Placer.place(PlacerInput.of(manifest, uses, members, Optional.empty()));
            return judge.judge(new Judge.Proposal(placement, members, List.of(ways), uses));
        }
    }

    private Model model(Path checkpoint) {
        Path store = folder.resolve("model.mtier");
        try (ModelSource source = ModelSource.open(checkpoint)) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, _ -> {});
        }
        StoreManifest manifest = StoreManifest.read(store);
        ModelSpec spec = Families.describe(
                Json.readObject(store.resolve("config.json")), store.resolve(StoreManifest.DENSE_FILE_NAME));
        return new Model(manifest, spec, new TokenTimeJudge(spec, manifest, true));
    }

    /// Layers without experts, with others in front, of several sizes, and with latents are among them.
    @ParameterizedTest
    @ValueSource(
            strings = {"olmoe", "gpt_oss", "llama4_scout", "nemotron_h_moe_latent", "longcat_flash", "deepseek_v3"})
    void nodesBesideADiskComputeAndOthersDoNot(String family) {
        Model model = model(TestData.golden(family));
        NodesVerdict near = model.verdict(0, NEAR);
        assertTrue(near.nodesCompute(), near::sentence);
        assertTrue(near.sentence().startsWith("experts are computed on nodes: a token takes "), near::sentence);
        assertTrue(near.sentence().contains(" over 1 node and "), near::sentence);
        assertTrue(near.sentence().contains(", whose disk gives "), near::sentence);
        NodesVerdict far = model.verdict(0, FAR, FAR);
        assertFalse(far.nodesCompute(), far::sentence);
        assertTrue(far.sentence().startsWith("everything is computed here: a token takes "), far::sentence);
        assertTrue(far.sentence().contains(" over 2 nodes; above a round trip of "), far::sentence);
        assertTrue(far.sentence().contains("; now it is 10,000 ms, 8.00 Mbit/s (from "), far::sentence);
    }

    @Test
    void aDiskThatNobodyMeasuredIsAGuess() {
        Model measured = model(TestData.tinyMixtral());
        Model guessed = new Model(
                measured.manifest(), measured.spec(), new TokenTimeJudge(measured.spec(), measured.manifest(), false));
        assertFalse(measured.verdict(0, NEAR).sentence().contains("guess"));
        assertTrue(guessed.verdict(0, NEAR).sentence().contains("the disk's being a guess"));
        assertFalse(guessed.verdict(1 << 30, FAR).sentence().contains("guess"));
    }

    /// Of nodes that are placed nothing on, nothing is asked.
    @Test
    void whereThePlacementKeepsEverythingSoDoesTheJudge() {
        Model model = model(TestData.tinyMixtral());
        NodesVerdict verdict = model.verdict(1 << 30, FAR);
        assertFalse(verdict.nodesCompute(), verdict::sentence);
        assertTrue(
                verdict.sentence().contains(" here, where all experts are in memory, and no less over 1 node; "),
                verdict::sentence);
    }

    @Test
    void theSentenceTellsWhatWasAssumed() {
        Model model = model(TestData.tinyMixtral());
        String assumed = model.verdict(0, NEAR, FAR).sentence();
        assertTrue(assumed.endsWith("chosen equally often, as nobody has counted them)"), assumed);
        assertTrue(assumed.contains("; now it is 0.00 ms to 10,000 ms, 8.00 Mbit/s to 8.0 Gbit/s ("), assumed);
        String counted = model.verdict(0, id -> id % 2, new Link(0, Double.POSITIVE_INFINITY))
                .sentence();
        assertTrue(counted.endsWith("chosen as often as was counted)"), counted);
        assertTrue(counted.contains("; now it is 0.00 ms ("), counted);
        assertEquals(assumed, model.verdict(0, NEAR, FAR).sentence(), "the same again");
    }
}

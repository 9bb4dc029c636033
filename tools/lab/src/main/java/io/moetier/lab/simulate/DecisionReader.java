package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TokenRow;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Phase;
import java.util.Arrays;

/// Turns the tokens of a trace into [Decisions], in the order in which the layers were computed.
///
/// For [Admission#LAYER] the tokens of a step are gathered: each layer then has its distinct experts, ascending, with
/// the sums of their weights. The trace says which tokens were a step; where it does not, `tokensTogether` tokens of
/// a request are taken for one.
///
/// The first `warmUpTokens` tokens fill the caches and are not counted; a step counts if all of its tokens do.
final class DecisionReader {
    private final TraceReader reader;
    private final Admission admission;
    private final int tokensTogether;
    private final long warmUpTokens;
    private final int[][] packed; // by layer and expert
    private final TokenRow row;
    private final int topK;
    private boolean ended;
    private long numRead;
    private long numTokens;
    private long numDecoded;

    // The step that is being gathered.
    private final int[][] chosen; // by layer, as they came
    private final int[] numChosen; // by layer
    private final float[][] weights; // by layer and expert
    private final boolean[][] isChosen; // by layer and expert
    private final float[] sortedWeights;
    private boolean allWeighted;
    private int stepTokens;
    private int stepRequest;
    private int step;
    private boolean stepCounts;
    private boolean stepDecodes;

    DecisionReader(TraceReader reader, Admission admission, int tokensTogether, long warmUpTokens) {
        this.reader = reader;
        this.admission = admission;
        this.tokensTogether = tokensTogether;
        this.warmUpTokens = warmUpTokens;
        TraceHeader header = reader.header();
        row = new TokenRow(header);
        topK = header.topK();
        packed = new int[header.layers()][header.experts()];
        for (int layer = 0; layer < packed.length; layer++) {
            int decoderLayer = header.moeLayerIndices().get(layer);
            Arrays.setAll(packed[layer], expert -> ExpertId.pack(decoderLayer, expert));
        }
        chosen = new int[header.layers()][header.experts()];
        numChosen = new int[header.layers()];
        weights = new float[header.layers()][header.experts()];
        isChosen = new boolean[header.layers()][header.experts()];
        sortedWeights = new float[header.experts()];
    }

    /// Refills `decisions`; returns false, with nothing in them, after the last.
    boolean next(Decisions decisions) {
        decisions.clear();
        while (!ended && !decisions.isFull()) {
            if (!reader.read(row)) {
                ended = true;
                endStep(decisions);
            } else {
                take(decisions);
            }
        }
        return decisions.size() > 0;
    }

    /// Returns how many tokens were counted.
    long numTokens() {
        return numTokens;
    }

    /// Returns how many of these came after a prompt.
    long numDecoded() {
        return numDecoded;
    }

    private void take(Decisions decisions) {
        boolean begins = admission == Admission.SEQUENTIAL || !continuesStep();
        if (begins) {
            endStep(decisions);
            stepCounts = numRead >= warmUpTokens;
            stepDecodes = row.phase() == Phase.DECODE;
        }
        numRead++;
        numTokens += stepCounts ? 1 : 0;
        numDecoded += stepCounts && stepDecodes ? 1 : 0;
        if (admission == Admission.SEQUENTIAL) {
            addAsListed(decisions);
            return;
        }
        if (begins) {
            stepRequest = row.request();
            step = row.step();
            allWeighted = true;
        }
        gather();
    }

    private boolean continuesStep() {
        return stepTokens > 0
                && row.request() == stepRequest
                && row.step() == step
                && (step != TokenRow.NO_STEP || stepTokens < tokensTogether);
    }

    private void addAsListed(Decisions decisions) {
        for (int layer = 0; layer < packed.length; layer++) {
            int from = layer * topK;
            int n = row.numChosen(layer);
            for (int i = 0; i < n; i++) {
                chosen[layer][i] = packed[layer][row.experts()[from + i]];
                sortedWeights[i] = row.weights()[from + i];
            }
            if (n > 0) {
                decisions.add(layer, chosen[layer], sortedWeights, n, row.hasWeights(), stepCounts, stepDecodes);
            }
        }
    }

    private void gather() {
        stepTokens++;
        allWeighted &= row.hasWeights();
        for (int layer = 0; layer < packed.length; layer++) {
            int from = layer * topK;
            int end = from + row.numChosen(layer);
            for (int i = from; i < end; i++) {
                gather(layer, row.experts()[i], row.weights()[i]);
            }
        }
    }

    private void gather(int layer, int expert, float weight) {
        if (!isChosen[layer][expert]) {
            isChosen[layer][expert] = true;
            weights[layer][expert] = 0;
            chosen[layer][numChosen[layer]++] = expert;
        }
        weights[layer][expert] += weight;
    }

    private void endStep(Decisions decisions) {
        for (int layer = 0; stepTokens > 0 && layer < packed.length; layer++) {
            int n = numChosen[layer];
            int[] experts = chosen[layer];
            Arrays.sort(experts, 0, n);
            for (int i = 0; i < n; i++) {
                int expert = experts[i];
                isChosen[layer][expert] = false;
                sortedWeights[i] = weights[layer][expert];
                experts[i] = packed[layer][expert];
            }
            if (n > 0) {
                decisions.add(layer, experts, sortedWeights, n, allWeighted, stepCounts, stepDecodes);
            }
            numChosen[layer] = 0;
        }
        stepTokens = 0;
    }
}

package io.moetier.runtime.model.pass;

import java.util.Arrays;

/// The tokens of a batch sorted by expert, so that each expert is visited once.
///
/// Token `t`'s `j`-th choice is row `t * k + j` of the experts' output; a group lists, for one expert, which tokens
/// chose it (`tokens`) and which rows its outputs go to (`rows`). Behind the groups follow all tokens once more, for an
/// expert that everyone visits; its rows are those from `n * k` on.
public final class ExpertGroups {
    public final int[] distinct; // the chosen experts, ascending
    public final float[] weights; // of the distinct experts, summed over the tokens
    public final int[] sizes; // of the distinct experts' groups
    public final int[] tokens;
    public final int[] rows;
    private final int[] starts; // by expert: first index into tokens and rows; one more than there are experts
    private final int[] fill;
    private final int[] position; // by chosen expert: its index into distinct
    private int numDistinct;
    private int numExperts;
    private int numRows;

    /// @param maxRows the most choices, and as many more as there may be tokens
    public ExpertGroups(int numExperts, int maxRows) {
        distinct = new int[numExperts];
        weights = new float[numExperts];
        sizes = new int[numExperts];
        tokens = new int[maxRows];
        rows = new int[maxRows];
        starts = new int[numExperts + 1];
        fill = new int[numExperts];
        position = new int[numExperts];
    }

    /// Sorts `n` tokens' choices, `k` each, with the weights the router gave them; a choice of -1 is none.
    public void sort(int[] expertIds, float[] routingWeights, int n, int k, int numExperts) {
        this.numExperts = numExperts;
        numRows = n * k;
        count(expertIds, n * k, numExperts);
        sumWeights(expertIds, routingWeights, n * k);
        for (int row = 0; row < n * k; row++) {
            if (expertIds[row] >= 0) {
                int at = fill[expertIds[row]]++;
                tokens[at] = row / k;
                rows[at] = row;
            }
        }
        for (int token = 0; token < n; token++) {
            tokens[n * k + token] = token;
            rows[n * k + token] = n * k + token;
        }
    }

    public int numDistinct() {
        return numDistinct;
    }

    /// Returns how many of the chosen ids are below `limit`; they are the first ones.
    public int numDistinctBelow(int limit) {
        int count = numDistinct;
        while (count > 0 && distinct[count - 1] >= limit) {
            count--;
        }
        return count;
    }

    /// Returns how many rows experts may write: one for each choice, be it of none.
    public int numRows() {
        return numRows;
    }

    /// Returns how often any expert was chosen.
    public int numChoices() {
        return starts[numExperts];
    }

    public int start(int expert) {
        return starts[expert];
    }

    public int size(int expert) {
        return starts[expert + 1] - starts[expert];
    }

    private void sumWeights(int[] expertIds, float[] routingWeights, int choices) {
        for (int i = 0; i < numDistinct; i++) {
            weights[i] = 0;
            position[distinct[i]] = i;
        }
        for (int row = 0; row < choices; row++) {
            if (expertIds[row] >= 0) {
                weights[position[expertIds[row]]] += routingWeights[row];
            }
        }
    }

    private void count(int[] expertIds, int choices, int numExperts) {
        Arrays.fill(starts, 0, numExperts + 1, 0);
        for (int row = 0; row < choices; row++) {
            if (expertIds[row] >= 0) {
                starts[expertIds[row] + 1]++;
            }
        }
        numDistinct = 0;
        for (int expert = 0; expert < numExperts; expert++) {
            if (starts[expert + 1] > 0) {
                sizes[numDistinct] = starts[expert + 1];
                distinct[numDistinct++] = expert;
            }
            starts[expert + 1] += starts[expert];
            fill[expert] = starts[expert];
        }
    }
}

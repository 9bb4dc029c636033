package io.moetier.runtime.remote;

/// Rows of activations for experts of one layer that other machines compute: expert `i` reads the rows
/// `inputRows()[from(i)]` to `inputRows()[from(i) + count(i) - 1]` of the inputs, and its results are rows `from(i)` to
/// `from(i) + count(i) - 1` of all results.
///
/// A buffer that is filled anew for every layer; arrays are longer than what is in them.
public final class NodeRows implements ExpertRows {
    private final int[] experts;
    private final int[] from;
    private final float[] weights;
    private final int[] inputRows;
    private final float[] inputs;
    private int layer;
    private int tokens;
    private int size;
    private int numInputs;
    private int numExperts;
    private int numRows;

    /// @param mostExperts of one layer
    /// @param mostRows that all of them together may read
    /// @param mostInputs elements of all inputs
    public NodeRows(int mostExperts, int mostRows, int mostInputs) {
        experts = new int[mostExperts];
        from = new int[mostExperts + 1];
        weights = new float[mostExperts];
        inputRows = new int[mostRows];
        inputs = new float[mostInputs];
    }

    /// Begins a layer, without any expert.
    ///
    /// @param tokens of the whole pass, which may choose how experts are computed
    public void begin(int layer, int tokens) {
        this.layer = layer;
        this.tokens = tokens;
        numExperts = 0;
        numRows = 0;
        numInputs = 0;
    }

    /// Adds an expert of the layer that reads the rows `rows[at]` to `rows[at + n - 1]`.
    ///
    /// @param weight of its results, summed over the tokens
    public void add(int expert, float weight, int[] rows, int at, int n) {
        experts[numExperts] = expert;
        weights[numExperts] = weight;
        System.arraycopy(rows, at, inputRows, numRows, n);
        numRows += n;
        from[++numExperts] = numRows;
    }

    /// Says what there is in [#inputs].
    ///
    /// @param numInputs rows
    /// @param size elements of each
    public void holds(int numInputs, int size) {
        this.numInputs = numInputs;
        this.size = size;
    }

    @Override
    public int layer() {
        return layer;
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public float[] inputs() {
        return inputs;
    }

    @Override
    public int numInputs() {
        return numInputs;
    }

    @Override
    public int numExperts() {
        return numExperts;
    }

    @Override
    public int numRows() {
        return numRows;
    }

    @Override
    public int expert(int i) {
        return experts[i];
    }

    @Override
    public float weight(int i) {
        return weights[i];
    }

    /// Returns the first row of the results of expert `i`, where those that it reads begin in [#inputRows].
    public int from(int i) {
        return from[i];
    }

    @Override
    public int count(int i) {
        return from[i + 1] - from[i];
    }

    @Override
    public int[] inputRows() {
        return inputRows;
    }
}

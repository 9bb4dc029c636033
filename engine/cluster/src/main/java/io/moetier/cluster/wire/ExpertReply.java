package io.moetier.cluster.wire;

/// What a node answers to an [ExpertRequest]: the rows of each expert, in the order of the request, or that it lacks
/// the expert.
///
/// A buffer that is filled anew for every reply and grows as it needs to. The rows of experts that are lacking are left
/// out of `outputs`.
public final class ExpertReply {
    public long sequence; // of the request
    public int numExperts;
    public int numRows; // in outputs
    public int size;
    public boolean[] lacking = {}; // [numExperts]
    public float[] outputs = {}; // [numRows, size]
    public long nanos; // that the node took
    public int numRead; // experts that came from its disk

    /// Makes room for so many; what was there before is lost.
    public void reserve(int experts, int rows, int size) {
        if (lacking.length < experts) {
            lacking = new boolean[experts];
        }
        if (outputs.length < Math.multiplyExact(rows, size)) {
            outputs = new float[Math.multiplyExact(rows, size)];
        }
    }
}

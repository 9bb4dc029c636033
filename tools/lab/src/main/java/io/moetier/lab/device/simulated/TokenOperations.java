package io.moetier.lab.device.simulated;

/// Operations that treat each token by itself: collected, and charged as one launch, as the CUDA device does.
///
/// It launches earlier as well where an operation reads what another one of the launch cuts at other places; that is
/// rare and not followed here.
final class TokenOperations {
    private static final int MOST = 12;
    private static final int MOST_FACTORS = 64;
    private static final int MOST_IN_BLOCK = 1 << 17;

    private final SimulatedTime time;
    private int tokens = 1;
    private int count;
    private int factors;
    private double bytes;
    private double lanes;

    TokenOperations(SimulatedTime time) {
        this.time = time;
    }

    /// Says how many tokens are computed now.
    void tokens(int n) {
        if (n > 0) {
            tokens = n;
        }
    }

    /// Adds an operation on `length` elements, which is cut only between multiples of `grain`.
    ///
    /// @param operands how many floats it reads and writes for each element
    /// @param lanesOfElement threads times instructions
    void add(long length, int grain, double operands, double lanesOfElement) {
        add(length, grain, operands, lanesOfElement, 0);
    }

    /// Adds an operation with factors of rows.
    void add(long length, int grain, double operands, double lanesOfElement, int numFactors) {
        if (length == 0) {
            return;
        }
        boolean staged = numFactors > MOST_FACTORS;
        boolean byToken = length % tokens == 0 && length / tokens % grain == 0 && length / tokens <= MOST_IN_BLOCK;
        boolean alone = staged || !byToken;
        if (alone || count == MOST || factors + numFactors > MOST_FACTORS) {
            flush();
        }
        if (staged) {
            time.send((long) Float.BYTES * numFactors);
        } else {
            factors += numFactors;
        }
        count++;
        bytes += Float.BYTES * operands * length;
        lanes += lanesOfElement * length;
        if (alone) {
            flush();
        }
    }

    /// Charges the launch of what was collected.
    void flush() {
        if (count > 0) {
            time.launch("each_token", bytes, lanes);
            count = 0;
            factors = 0;
            bytes = 0;
            lanes = 0;
        }
    }
}

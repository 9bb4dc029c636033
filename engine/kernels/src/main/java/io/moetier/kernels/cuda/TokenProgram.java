package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Operations that treat every token by itself, collected until something else is launched, and then one launch.
///
/// Every operation of a launch is cut into the same number of blocks, one for each token if that divides it, and a
/// block does its part of all of them in turn. An operation joins those before it only if each buffer that it shares
/// with them, and one of them writes, is cut at the same places; so what a block reads, it wrote itself. Else the ones
/// before are launched first. The results are the same either way.
///
/// An operation is described by the methods that start with [#operation] and end with [#commit].
final class TokenProgram {
    private static final int MOST_THREADS = 512; // of a block, which has no more than elements; as in tokens.cu
    static final int MOST_OPERATIONS = 12;
    static final int MOST_FACTORS = 64;
    private static final int MOST_OPERANDS = 4;
    private static final long FACTORS_AT = Integer.BYTES;
    static final long OPERATIONS_AT = 264; // after the count and the factors, aligned
    static final long OPERATION_BYTES = 80;

    /// Elements that a block of an operation has that is cut by no token.
    private static final int BLOCK = 4096;

    /// Elements above which a block has too many for an operation to be cut by tokens.
    private static final int MOST_IN_BLOCK = 1 << 17;

    /// What an operation does; numbers.cuh has the same numbers from here.
    enum Code {
        RMS_NORM,
        LAYER_NORM,
        ADD_BIAS,
        CLAMP,
        COPY,
        SCALE,
        SCALE_ROWS,
        COMBINE,
        ADD,
        ROPE,
        STORE_KV,
        STORE_LATENTS,
        WEIGHTED_SUM,
        ADD_ROWS,
        CLEAR,
        MULTIPLY,
        SIGMOID,
        SILU,
        SOFTPLUS,
        GELU,
        GELU_TANH,
        TANH,
        ADD_SCALED,
        CONNECT,
        READ_STREAMS,
        WRITE_STREAMS
    }

    /// A part of a buffer that an operation reads or writes.
    private static final class Access {
        @Nullable
        CudaBuffer buffer;

        int from;
        int length;
        boolean written;

        void set(@Nullable CudaBuffer newBuffer, int newFrom, int newLength, boolean isWritten) {
            buffer = newBuffer;
            from = newFrom;
            length = newLength;
            written = isWritten;
        }

        /// Says whether two parts of a buffer are cut alike, or nobody cares.
        boolean suits(Access other) {
            return buffer != other.buffer
                    || (!written && !other.written)
                    || (from == other.from && length == other.length);
        }
    }

    private final CudaStream stream;
    private final CudaFunction kernel;
    private final Staging staging;
    private final ParameterBlock parameter;
    private final StructWriter writer = new StructWriter();
    private final Access[] accesses = accesses(MOST_OPERATIONS * MOST_OPERANDS);
    private final Access[] own = accesses(MOST_OPERANDS);
    private int tokens = 1;
    private int blocks;
    private int mostInBlock;
    private int count;
    private int numAccesses;
    private int numFactors;

    // the operation that is being described
    private Code code = Code.COPY;
    private int length;
    private int grain;
    private int numOwn;
    private long x;
    private long y;
    private long z;
    private long out;
    private long more;
    private int cols;
    private float alpha;
    private float beta;
    private final int[] p = new int[4];
    private float @Nullable [] factors;
    private int factorCount;

    TokenProgram(CudaStream stream, CudaFunction kernel, Staging staging, ParameterBlock parameter) {
        this.stream = stream;
        this.kernel = kernel;
        this.staging = staging;
        this.parameter = parameter;
    }

    private static Access[] accesses(int count) {
        Access[] accesses = new Access[count];
        for (int i = 0; i < count; i++) {
            accesses[i] = new Access();
        }
        return accesses;
    }

    /// Says how many tokens are computed now, which is how operations are cut if they can be.
    void tokens(int n) {
        if (n > 0) {
            tokens = n;
        }
    }

    /// Starts the description of an operation on `newLength` elements, which may be cut anywhere.
    TokenProgram operation(Code newCode, int newLength) {
        return operation(newCode, newLength, 1);
    }

    /// Starts the description of an operation on `rows` rows of `width` elements, cut only between rows.
    TokenProgram operation(Code newCode, int rows, int width) {
        code = newCode;
        length = rows * width;
        grain = width;
        numOwn = 0;
        x = 0;
        y = 0;
        z = 0;
        out = 0;
        more = 0;
        cols = 0;
        alpha = 0;
        beta = 0;
        factors = null;
        factorCount = 0;
        return this;
    }

    /// The first elements of a buffer, as many as the operation has.
    TokenProgram out(CudaBuffer buffer) {
        return out(buffer, 0);
    }

    /// Elements `from` and on of a buffer.
    TokenProgram out(CudaBuffer buffer, int from) {
        out = buffer.address(from);
        own[numOwn++].set(buffer, from, length, true);
        return this;
    }

    /// Memory that is no buffer.
    TokenProgram out(long address) {
        out = address;
        return this;
    }

    TokenProgram more(long address) {
        more = address;
        return this;
    }

    /// The first elements of an operand, as many as the operation has.
    TokenProgram x(CudaBuffer buffer) {
        return x(buffer, 0, length);
    }

    TokenProgram y(CudaBuffer buffer) {
        return y(buffer, 0, length);
    }

    /// An operand that has its own length, of which a block has its share.
    TokenProgram x(CudaBuffer buffer, int from, int operandLength) {
        x = read(buffer, from, operandLength);
        return this;
    }

    TokenProgram y(CudaBuffer buffer, int from, int operandLength) {
        y = read(buffer, from, operandLength);
        return this;
    }

    private long read(CudaBuffer buffer, int from, int operandLength) {
        own[numOwn++].set(buffer, from, operandLength, false);
        return buffer.address(from);
    }

    TokenProgram x(long address) {
        x = address;
        return this;
    }

    TokenProgram y(long address) {
        y = address;
        return this;
    }

    TokenProgram z(long address) {
        z = address;
        return this;
    }

    TokenProgram cols(int value) {
        cols = value;
        return this;
    }

    TokenProgram alpha(float value) {
        alpha = value;
        return this;
    }

    TokenProgram beta(float value) {
        beta = value;
        return this;
    }

    TokenProgram p(int first, int second, int third, int fourth) {
        p[0] = first;
        p[1] = second;
        p[2] = third;
        p[3] = fourth;
        return this;
    }

    /// Factors of rows, which take the place of `y` and of the second `p`.
    TokenProgram factors(float[] values, int n) {
        factors = values;
        factorCount = n;
        return this;
    }

    /// Ends the description.
    void commit() {
        boolean staged = factors != null && factorCount > MOST_FACTORS;
        boolean byToken = length % tokens == 0 && length / tokens % grain == 0 && length / tokens <= MOST_IN_BLOCK;
        boolean alone = staged || !byToken;
        if (alone || blocks != tokens || !hasRoom() || !suitsThoseBefore()) {
            flush();
        }
        if (factors != null) {
            takeFactors(factors, staged);
        }
        int extent = length / tokens;
        blocks = tokens;
        if (!byToken) {
            extent = Math.max(1, BLOCK / grain) * grain;
            blocks = (length + extent - 1) / extent;
        }
        mostInBlock = Math.max(mostInBlock, extent);
        write(extent);
        for (int i = 0; i < numOwn; i++) {
            accesses[numAccesses++].set(own[i].buffer, own[i].from, own[i].length, own[i].written);
        }
        if (alone) {
            flush();
        }
    }

    private boolean hasRoom() {
        return count < MOST_OPERATIONS && numFactors + factorCount <= MOST_FACTORS;
    }

    private boolean suitsThoseBefore() {
        for (int i = 0; i < numOwn; i++) {
            for (int j = 0; j < numAccesses; j++) {
                if (!own[i].suits(accesses[j])) {
                    return false;
                }
            }
        }
        return true;
    }

    private void takeFactors(float[] values, boolean staged) {
        if (staged) {
            y = staging.send(values, 0, factorCount);
        } else {
            MemorySegment.copy(values, 0, parameter.bytes(), JAVA_FLOAT, FACTORS_AT + 4L * numFactors, factorCount);
            p[1] = numFactors;
            numFactors += factorCount;
        }
    }

    @SuppressWarnings("EnumOrdinal") // numbers.cuh is made of them
    private void write(int extent) {
        writer.begin(parameter.bytes(), OPERATIONS_AT + count * OPERATION_BYTES)
                .address(x)
                .address(y)
                .address(z)
                .address(out)
                .address(more)
                .number(code.ordinal())
                .number(extent)
                .number(length)
                .number(cols)
                .number(alpha)
                .number(beta);
        for (int value : p) {
            writer.number(value);
        }
        count++;
    }

    /// Launches what was collected.
    void flush() {
        if (count > 0) {
            parameter.bytes().set(JAVA_INT, 0, count);
            int launched = blocks;
            int threads = Math.min(Math.ceilDiv(mostInBlock, Tasks.WARP) * Tasks.WARP, MOST_THREADS);
            count = 0;
            numFactors = 0;
            blocks = 0;
            mostInBlock = 0;
            for (int i = 0; i < numAccesses; i++) {
                accesses[i].buffer = null;
            }
            numAccesses = 0;
            kernel.launch(stream, launched, 1, 1, threads, parameter);
        }
    }
}

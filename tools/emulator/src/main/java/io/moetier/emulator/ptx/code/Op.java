package io.moetier.emulator.ptx.code;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A decoded instruction. The decoder fills it in; afterwards nobody changes it.
///
/// Operands are numbers of rows: a register of a warp is a row of 32 ints or longs, a predicate an int with a bit for
/// each lane. Immediates and special registers are rows that are filled in beforehand.
public final class Op {
    public static final int NONE = -1;
    static final int[] NO_ROWS = {};

    public final int line;

    /// Its place among the kernel's operations.
    public int index;

    public Unit unit;
    public int guard = NONE;
    public boolean guardNegated;

    public RowCode rowCode = RowCode.MOVE_32;
    public ScalarCode scalarCode = ScalarCode.ADD;
    public Cost cost = Cost.NONE;
    public int weight = 1;

    /// The result; `wide` if its row is one of longs.
    public int d = NONE;

    public boolean wide;
    public int a = NONE;
    public int b = NONE;
    public int c = NONE;
    public int e = NONE;
    public boolean wideA;
    public boolean wideB;
    public boolean wideC;

    /// A second result, a predicate.
    public int alsoPredicate = NONE;

    public boolean negateA;
    public boolean negateB;
    public boolean negateC;
    public long immediate;

    /// Of a branch: the index of the instruction that comes next.
    public int target;

    public PtxType type = PtxType.B32;
    public PtxType from = PtxType.B32;
    public Rounding rounding = Rounding.NEAREST;
    public boolean wholeNumber;
    public boolean ftz;
    public boolean sat;

    public Comparison comparison = Comparison.EQ;
    public Combination combination = Combination.NONE;
    public Space space = Space.GENERIC;
    public AtomicCode atomic = AtomicCode.ADD;
    public ExchangeCode exchange = ExchangeCode.SHUFFLE_INDEX;

    /// Of an exchange: its member mask, and what a shuffle is told beside a value, are numbers, so alike for all lanes.
    public boolean alike;

    public WarpCode warpCode = WarpCode.ACTIVE_MASK;

    /// The rows of a vector or a matrix fragment.
    public int[] rows = NO_ROWS;

    int[] rowsA = NO_ROWS;
    int[] rowsB = NO_ROWS;
    int[] rowsC = NO_ROWS;

    public Op(int line, int index, Unit unit) {
        this.line = line;
        this.index = index;
        this.unit = unit;
    }

    /// A kernel's instructions and what its registers are filled with.
    ///
    /// @param ops the last one always ends the thread
    /// @param intRows how many rows of ints, the first of them scratch
    /// @param longRows how many rows of longs, the first of them scratch
    /// @param constants rows that always hold one number
    /// @param symbols rows that hold the address of a module's variable
    /// @param specials the row of each special register that is used
    public record Program(
            List<Op> ops,
            int intRows,
            int longRows,
            int predicates,
            List<Constant> constants,
            List<Symbol> symbols,
            List<SpecialRow> specials) {
        public Program {
            ops = List.copyOf(ops);
            constants = List.copyOf(constants);
            symbols = List.copyOf(symbols);
            specials = List.copyOf(specials);
        }
    }

    public record Constant(int row, boolean wide, long bits) {}

    public record Symbol(int row, String name, long offset) {}

    public record SpecialRow(Special special, int row) {}

    /// What a warp can be asked for.
    public enum WarpCode {
        ACTIVE_MASK,
        CLOCK,
        CLOCK_64,
        IS_SPACE
    }

    /// How `setp` combines its comparison with a predicate.
    public enum Combination {
        NONE,
        AND,
        OR,
        XOR
    }

    /// What `atom` and `red` do to memory.
    public enum AtomicCode {
        ADD,
        MIN,
        MAX,
        EXCHANGE,
        CAS,
        AND,
        OR,
        XOR,
        INC,
        DEC;

        public static @Nullable AtomicCode of(String name) {
            return switch (name) {
                case "add" -> ADD;
                case "min" -> MIN;
                case "max" -> MAX;
                case "exch" -> EXCHANGE;
                case "cas" -> CAS;
                case "and" -> AND;
                case "or" -> OR;
                case "xor" -> XOR;
                case "inc" -> INC;
                case "dec" -> DEC;
                default -> null;
            };
        }
    }

    /// What lanes of a warp do with one another.
    public enum ExchangeCode {
        SHUFFLE_UP,
        SHUFFLE_DOWN,
        SHUFFLE_BUTTERFLY,
        SHUFFLE_INDEX,
        VOTE_ALL,
        VOTE_ANY,
        VOTE_UNI,
        BALLOT,
        MATCH_ANY,
        MATCH_ALL,
        REDUCE_ADD,
        REDUCE_MIN,
        REDUCE_MAX,
        REDUCE_AND,
        REDUCE_OR,
        REDUCE_XOR,
        SYNC,
        MATRIX,
        LOAD_MATRIX
    }
}

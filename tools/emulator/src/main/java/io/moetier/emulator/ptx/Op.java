package io.moetier.emulator.ptx;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A decoded instruction. The decoder fills it in; afterwards nobody changes it.
///
/// Operands are numbers of rows: a register of a warp is a row of 32 ints or longs, a predicate an int with a bit for
/// each lane. Immediates and special registers are rows that are filled in beforehand.
final class Op {
    static final int NONE = -1;
    static final int[] NO_ROWS = {};

    final int line;
    final int index;
    Unit unit;
    int guard = NONE;
    boolean guardNegated;

    RowCode rowCode = RowCode.MOVE_32;
    ScalarCode scalarCode = ScalarCode.ADD;
    Cost cost = Cost.NONE;
    int weight = 1;

    /// The result; `wide` if its row is one of longs.
    int d = NONE;

    boolean wide;
    int a = NONE;
    int b = NONE;
    int c = NONE;
    int e = NONE;
    boolean wideA;
    boolean wideB;
    boolean wideC;

    /// A second result, a predicate.
    int alsoPredicate = NONE;

    boolean negateA;
    boolean negateB;
    boolean negateC;
    long immediate;

    /// Of a branch: the index of the instruction that comes next.
    int target;

    PtxType type = PtxType.B32;
    PtxType from = PtxType.B32;
    Rounding rounding = Rounding.NEAREST;
    boolean wholeNumber;
    boolean ftz;
    boolean sat;

    Comparison comparison = Comparison.EQ;
    Combination combination = Combination.NONE;
    Space space = Space.GENERIC;
    AtomicCode atomic = AtomicCode.ADD;
    ExchangeCode exchange = ExchangeCode.SHUFFLE_INDEX;
    WarpCode warpCode = WarpCode.ACTIVE_MASK;

    /// Whether `immediate` is the member mask, so that `e` need not be asked.
    boolean constantMask;

    /// The rows of a vector or a matrix fragment.
    int[] rows = NO_ROWS;

    int[] rowsA = NO_ROWS;
    int[] rowsB = NO_ROWS;
    int[] rowsC = NO_ROWS;

    /// @param index its place among the kernel's operations
    Op(int line, int index, Unit unit) {
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
    record Program(
            List<Op> ops,
            int intRows,
            int longRows,
            int predicates,
            List<Constant> constants,
            List<Symbol> symbols,
            List<SpecialRow> specials) {
        Program {
            ops = List.copyOf(ops);
            constants = List.copyOf(constants);
            symbols = List.copyOf(symbols);
            specials = List.copyOf(specials);
        }
    }

    record Constant(int row, boolean wide, long bits) {}

    record Symbol(int row, String name, long offset) {}

    record SpecialRow(Special special, int row) {}

    /// What a warp can be asked for.
    enum WarpCode {
        ACTIVE_MASK,
        CLOCK,
        CLOCK_64,
        IS_SPACE
    }

    /// How `setp` combines its comparison with a predicate.
    enum Combination {
        NONE,
        AND,
        OR,
        XOR
    }

    /// What `atom` and `red` do to memory.
    enum AtomicCode {
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

        static @Nullable AtomicCode of(String name) {
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
    enum ExchangeCode {
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

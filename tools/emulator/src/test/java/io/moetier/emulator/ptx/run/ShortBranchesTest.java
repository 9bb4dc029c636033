package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.code.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Branches over a few operations become guards of those, and all others stay branches; what threads see is the same.
class ShortBranchesTest {
    private static final String END = "END: st.global.u32 [%d1], %r2;";

    private static long branches(String body) {
        try (Script script = new Script(body)) {
            return script.ops().stream().filter(op -> op.unit == Unit.BRANCH).count();
        }
    }

    /// Checks what thread 5, for which `%p0` holds, and thread 9 find in `%r2`, which begins as 1.
    private static void check(int numBranches, int ofThread5, int ofThread9, String... lines) {
        String body = "mov.u32 %r2, 1; setp.lt.u32 %p0, %r1, 7;\n" + String.join("\n", lines) + "\n" + END;
        assertEquals(numBranches, branches(body), body);
        int[] results = Script.results(body, 32, 0);
        assertEquals(ofThread5, results[5], body);
        assertEquals(ofThread9, results[9], body);
    }

    @Test
    void whatLanesLeapOverIsGuarded() {
        check(0, 1, 6, "@%p0 bra END;", "add.u32 %r2, %r2, 5;");
        check(0, 6, 1, "@!%p0 bra END;", "add.u32 %r2, %r2, 5;");
    }

    @Test
    void loadsAndStoresOfOtherLanesDoNotHappen() {
        // where %p0 holds, the address is none
        check(
                0,
                1,
                43,
                "mov.u64 %d2, answer;",
                "@%p0 mov.u64 %d2, 0;",
                "@%p0 bra END;",
                "ld.global.u32 %r3, [%d2];",
                "add.u32 %r2, %r2, %r3;");
        check(
                0,
                1,
                7,
                "mov.u64 %d2, %d1;",
                "@%p0 mov.u64 %d2, 0;",
                "@%p0 bra END;",
                "st.global.u32 [%d2], 6;",
                "ld.global.u32 %r3, [%d2];",
                "add.u32 %r2, %r2, %r3;");
    }

    @Test
    void aBranchBehindOneThatIsGoneLeadsWhereItLed() {
        check(
                1,
                1,
                6,
                "@%p0 bra NEXT;",
                "add.u32 %r2, %r2, 5;",
                "NEXT: setp.eq.u32 %p1, %r2, 100;",
                "@%p1 bra.uni BACK;",
                "bar.sync 0;",
                "BACK: add.u32 %r2, %r2, 0;");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            value = {
                "its own condition changes          # setp.ge.u32 %p0, %r1, 0; add.u32 %r2, %r2, 5;",
                "its condition changes beside it    # setp.lt.u32 %p2|%p0, %r1, 0; add.u32 %r2, %r2, 5;",
                "its condition is combined          # not.pred %p0, %p0; add.u32 %r2, %r2, 5;",
                "one of them has a condition        # @%p1 add.u32 %r2, %r2, 1; add.u32 %r2, %r2, 5;",
                "one of them is a branch            # bra.uni IN; add.u32 %r2, %r2, 100; IN: add.u32 %r2, %r2, 5;",
                "they do something together         # vote.sync.any.pred %p2, %p0, 0xffffff80; add.u32 %r2, %r2, 5;",
                "a thread may end                   # @%p1 exit; add.u32 %r2, %r2, 5;"
            })
    void otherBranchesStay(String reason, String over) {
        String body = "setp.eq.u32 %p1, %r1, 1000; mov.u32 %r2, 1; setp.lt.u32 %p0, %r1, 7;\n@%p0 bra END;\n" + over
                + "\n" + END;
        try (Script script = new Script(body)) {
            long stay = script.ops().stream()
                    .filter(op -> op.unit == Unit.BRANCH && op.line == Script.FIRST_LINE + 1)
                    .count();
            assertEquals(1, stay, reason);
            int[] results = script.run(32, 0);
            assertEquals(1, results[5], reason);
            assertEquals(6, results[9], reason);
        }
    }

    /// Thread 5 comes from before the branch to what thread 9 leaps over.
    @Test
    void aBranchOverWhatSomebodyComesToStays() {
        check(2, 6, 1, "@%p0 bra IN;", "@!%p0 bra END;", "add.u32 %r2, %r2, 100;", "IN: add.u32 %r2, %r2, 5;");
    }

    @Test
    void aBranchOverManyStays() {
        check(1, 1, 8, "@%p0 bra END;", "add.u32 %r2, %r2, 1;\n".repeat(7));
        check(0, 1, 7, "@%p0 bra END;", "add.u32 %r2, %r2, 1;\n".repeat(6));
    }

    @Test
    void aLoopStays() {
        check(1, 10, 10, "L: add.u32 %r2, %r2, 1;", "setp.lt.u32 %p1, %r2, 10;", "@%p1 bra L;");
    }

    @Test
    void inAnyOrderOfWarpsItIsTheSame() {
        String body = "mov.u32 %r2, 1; setp.lt.u32 %p0, %r1, 70;\n@%p0 bra END;\nadd.u32 %r2, %r2, 5;\n" + END;
        for (int seed = 1; seed < 9; seed++) {
            try (Script script = new Script(body, FreshMemory.POISONED)) {
                script.launch(1, 128, 0, LaunchOptions.DEFAULT.withSeed(seed));
                assertEquals(1, script.ints()[69]);
                assertEquals(6, script.ints()[70]);
            }
        }
    }
}

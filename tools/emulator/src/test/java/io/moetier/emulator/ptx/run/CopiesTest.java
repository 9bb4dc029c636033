package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Registers that are only another name for something are not copied, and all others are.
class CopiesTest {
    private static int ofThread5(String body) {
        return Script.results(body, 32, 0)[5];
    }

    /// Returns which lines of `body` nobody executes, counted from 0.
    private static int[] namesIn(String body) {
        try (Script script = new Script(body)) {
            Set<Integer> executed =
                    script.ops().stream().map(op -> op.line - Script.FIRST_LINE).collect(Collectors.toSet());
            return IntStream.range(0, (int) body.lines().count())
                    .filter(line -> !executed.contains(line))
                    .toArray();
        }
    }

    @Test
    void namesOfNumbersRegistersAndAddressesAreFollowed() {
        String body = """
                mov.u32 %r2, 100;
                add.u32 %r3, %r1, %r2;
                mov.b32 %r4, %r3;
                mov.b32 %r5, %r4;
                mov.u64 %d4, %d1;
                mov.u32 %r6, %tid.x;
                add.u32 %r7, %r5, %r6;
                st.global.u32 [%d4], %r7;""";
        assertEquals(110, ofThread5(body));
        assertArrayEquals(new int[] {0, 2, 3, 4, 5}, namesIn(body));
    }

    @Test
    void whatIsWrittenTwiceIsNoOtherName() {
        String body = """
                mov.u32 %r2, 0;
                L: mov.u32 %r3, %r2;
                add.u32 %r2, %r2, 1;
                setp.lt.u32 %p0, %r2, 5;
                @%p0 bra L;
                st.global.u32 [%d1], %r3;""";
        assertEquals(4, ofThread5(body));
    }

    @Test
    void whatSomeThreadsOnlyCopyIsNoOtherName() {
        String body = """
                setp.eq.u32 %p0, %r1, 5;
                @!%p0 mov.u32 %r2, 7;
                st.global.u32 [%d1], %r2;""";
        assertEquals(-1, ofThread5(body), "what stands in a register that nobody wrote");
    }

    @Test
    void aCopyOfWhatIsWrittenFurtherDownIsOlder() {
        String body = """
                mov.u32 %r2, 0;
                L: mov.u32 %r3, %r4;
                add.u32 %r4, %r2, 10;
                add.u32 %r2, %r2, 1;
                setp.lt.u32 %p0, %r2, 3;
                @%p0 bra L;
                st.global.u32 [%d1], %r3;""";
        assertEquals(11, ofThread5(body));
    }

    @Test
    void aCopyThatIsReadFurtherUpIsOlder() {
        String body = """
                mov.u32 %r2, 0;
                L: add.u32 %r4, %r2, 10;
                add.u32 %r6, %r5, 0;
                mov.u32 %r5, %r4;
                add.u32 %r2, %r2, 1;
                setp.lt.u32 %p0, %r2, 3;
                @%p0 bra L;
                st.global.u32 [%d1], %r6;""";
        assertEquals(11, ofThread5(body));
    }
}

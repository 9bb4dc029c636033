package io.moetier.emulator.ptx.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.run.Script;
import io.moetier.emulator.ptx.text.PtxException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the parser reads, and what it refuses by line.
class PtxModuleTest {
    private static final String HEAD = ".version 6.3\n.target sm_61\n.address_size 64\n";

    @Test
    void readsVersionTargetParametersAndLimits() {
        PtxModule module = PtxModule.parse("""
                // a comment
                .version 8.4
                .target sm_90a, debug
                .address_size 64
                .file 1 "x.cu"
                .global .align 8 .v2 .f32 pair;
                .const .align 4 .f32 numbers[3] = {0f3F800000, -1, 0d4000000000000000};
                .visible .entry k(.param .u32 a, .param .u64 .ptr .global .align 4 b, .param .align 16 .b8 c[20])
                .maxntid 32, 4, 2
                .minnctapersm 2
                {
                .reg .b64 %d<3>; /* over
                two lines */ .shared .align 16 .f32 s[4][5];
                .loc 1 2 3
                { .reg .u32 low, high; mov.u32 low, 1; }
                $L_1: ret;
                }
                .section .debug_str { .b8 1,2 }
                """);
        assertEquals(new PtxVersion(8, 4), module.version());
        assertEquals(90, module.target());
        PtxKernel kernel = module.kernel("k").orElseThrow();
        assertEquals(
                List.of(0, 8, 16),
                kernel.parameters().stream().map(PtxParameter::offset).toList());
        assertEquals(36, kernel.parameterBytes());
        assertEquals(80, kernel.sharedBytes());
        assertEquals(256, kernel.maxThreads());
        assertEquals(
                List.of(8L, 12L),
                module.variables().stream().map(PtxVariable::bytes).toList());
        assertTrue(new PtxVersion(8, 4).compareTo(new PtxVersion(10, 0)) < 0);
    }

    @Test
    void variablesHaveTheirFirstValues() {
        String body = """
                ld.global.u32 %r2, [answer];
                ld.const.u32 %r3, [table+4];
                mov.u64 %d2, answer; add.s32 %r4, %r2, %r3;
                st.global.u32 [%d2], %r4;
                ld.u32 %r5, [%d2];
                st.global.u32 [%d0], %r5;""";
        try (Script script = new Script(body)) {
            assertEquals(40, script.run(1, 0)[0]);
            assertTrue(script.loaded().addressOf("answer").isPresent());
            assertTrue(script.loaded().addressOf("nothing").isEmpty());
        }
    }

    @Test
    void genericAddressesReachEverySpace() {
        String body = """
                .local .align 4 .b8 l[8]; .shared .align 4 .b8 s[256];
                mov.u64 %d2, l; cvta.local.u64 %d2, %d2;
                mov.u64 %d3, s; cvta.shared.u64 %d3, %d3; mad.wide.u32 %d3, %r1, 4, %d3;
                setp.lt.u32 %p0, %r1, 16;
                st.u32 [%d2+4], 5; st.u32 [%d3], 7;
                selp.b64 %d4, %d2, %d3, %p0; selp.b64 %d5, 4, 0, %p0; add.s64 %d4, %d4, %d5;
                ld.u32 %r2, [%d4];
                isspacep.shared %p1, %d4; selp.u32 %r3, 100, 0, %p1; add.u32 %r2, %r2, %r3;
                st.u32 [%d1], %r2;""";
        int[] found = Script.results(body, 32, 0);
        assertEquals(5, found[0]);
        assertEquals(107, found[31]);
    }

    @Test
    void narrowValuesAreExtendedAsTheirTypeSays() {
        String body = """
                mov.u32 %r2, 0x8081;
                st.global.u16 [%d1+512], %r2;
                ld.global.s8 %r3, [%d1+512]; ld.global.u8 %h0, [%d1+513]; ld.global.s8 %h1, [%d1+513];
                ld.global.s16 %d2, [%d1+512];
                mov.b32 %r4, {%h0, %h1};
                cvt.u32.u64 %r5, %d2;
                mov.b64 {%r6, %r7}, %d2;
                st.global.v4.u32 [%d0], {%r3, %r4, %r5, %r7};""";
        int[] found = Script.results(body, 1, 0);
        assertEquals(0xffffff81, found[0]);
        assertEquals(0xff800080, found[1]);
        assertEquals(0xffff8081, found[2]);
        assertEquals(-1, found[3]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frobnicate.b32 %r1, %r2;",
                "add.u32.fast %r1, %r2, %r3;",
                "mul.s32 %r1, %r2, %r3;",
                "add.rn.s32.rn %r1, %r2, %r3;",
                "add.f8 %r1, %r2, %r3;",
                "add.u32 %r1, %d2, %r3;",
                "add.u32 %r1, %r2;",
                "add.u32 %r1, %r2, unknown;",
                "mov.u32 5, %r2;",
                "bra NOWHERE;",
                "call (%r1), f, (%r2);",
                "cvt.s32.f32 %r1, %r2;",
                "ld.global.v2.u32 %r1, [%d1];",
                "ld.global.v4.u64 {%d1, %d1, %d1, %d1}, [%d1];",
                "st.const.u32 [%d1], %r1;",
                "setp.foo.s32 %p1, %r1, %r2;",
                "shfl.up.b32 %r1, %r2, 1, 0;",
                "atom.global.add.b32 %r1, [%d1], %r2;",
                "tex.2d.v4.f32.s32 {%r1, %r1, %r1, %r1}, [%d1, {%r1, %r1}];",
                "@%r1 bra L;",
                ".reg .b128 %x;",
                ".tex .u64 t;"
            })
    void refusesWhatItDoesNotKnowByLine(String statement) {
        String text = HEAD + ".entry k()\n{\n.reg .b32 %r<4>; .reg .b64 %d<4>; .reg .pred %p<4>;\nL:\n" + statement
                + "\nret;\n}\n";
        PtxException refused = assertThrows(PtxException.class, () -> PtxModule.parse(text));
        assertEquals(8, refused.line());
        assertTrue(String.valueOf(refused.getMessage()).contains(statement.substring(0, 4)), refused::getMessage);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".func f() { ret; }",
                ".visible .func (.param .b32 r) f();",
                ".texref t;",
                "garbage",
                ".global .u32 x = y;",
                ".entry k() { ret;",
                ".entry k() .foo { ret; }"
            })
    void refusesDirectivesThatItDoesNotKnow(String directive) {
        PtxException refused = assertThrows(PtxException.class, () -> PtxModule.parse(HEAD + directive));
        assertEquals(4, refused.line());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ".version x", ".version 6.0\n.target gfx90", ".version 6.0\n.target sm_61\n.address_size 32"
            })
    void refusesStrangeHeads(String text) {
        assertThrows(PtxException.class, () -> PtxModule.parse(text));
    }
}

package io.moetier.emulator.ptx.module;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.decode.Copies;
import io.moetier.emulator.ptx.decode.Decoder;
import io.moetier.emulator.ptx.decode.KernelScope;
import io.moetier.emulator.ptx.text.DeclarationParser;
import io.moetier.emulator.ptx.text.InstructionParser;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.List;

/// Reads the body of a kernel.
final class BodyParser {
    private final Tokens tokens;
    private final KernelScope scope;
    private final Decoder decoder;
    private final InstructionParser instructions;
    private final DeclarationParser declarations;

    /// @param known what was found when the kernel was read before
    BodyParser(Tokens tokens, KernelScope scope, Copies known) {
        this.tokens = tokens;
        this.scope = scope;
        decoder = new Decoder(tokens, scope, known);
        instructions = new InstructionParser(tokens);
        declarations = new DeclarationParser(tokens);
    }

    List<Op> read() {
        tokens.expect("{");
        int depth = 1;
        while (depth > 0) {
            if (tokens.take("{")) {
                scope.open();
                depth++;
            } else if (tokens.take("}")) {
                depth--;
                if (depth > 0) {
                    scope.close();
                }
            } else {
                statement();
            }
        }
        return decoder.finish();
    }

    Copies found() {
        return decoder.found();
    }

    private void statement() {
        switch (tokens.peek().text()) {
            case ";" -> tokens.next();
            case ".reg" -> registers();
            case ".shared", ".local" -> variable();
            case ".loc", ".file" -> tokens.skipLine();
            case ".pragma" -> tokens.skipPast(";");
            default -> {
                if (tokens.peek().isWord() && tokens.peekFurther().is(":")) {
                    decoder.label(tokens.next());
                    tokens.expect(":");
                } else {
                    decoder.decode(instructions.read());
                }
            }
        }
    }

    private void variable() {
        do {
            scope.declare(declarations.read());
        } while (tokens.take(","));
        tokens.expect(";");
    }

    /// Reads `.reg .b32 %r<5>, low;`
    private void registers() {
        tokens.expect(".reg");
        String word = tokens.next().text();
        PtxType type = PtxType.of(word.substring(1));
        if (type == null) {
            throw tokens.refuse("'" + word + "' is no type of a register that is known");
        }
        do {
            String name = tokens.word().text();
            if (tokens.take("<")) {
                long count = tokens.number();
                for (int i = 0; i < count; i++) {
                    scope.declareRegister(type, name + i);
                }
                tokens.expect(">");
            } else {
                scope.declareRegister(type, name);
            }
        } while (tokens.take(","));
        tokens.expect(";");
    }
}

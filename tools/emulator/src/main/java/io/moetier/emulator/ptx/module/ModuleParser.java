package io.moetier.emulator.ptx.module;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.decode.Copies;
import io.moetier.emulator.ptx.decode.KernelScope;
import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.text.Declaration;
import io.moetier.emulator.ptx.text.DeclarationParser;
import io.moetier.emulator.ptx.text.Token;
import io.moetier.emulator.ptx.text.Tokens;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads a whole PTX text.
final class ModuleParser {
    private static final int DEFAULT_MAX_THREADS = 1024;

    private final Tokens tokens;
    private final DeclarationParser declarations;
    private final Map<String, Declaration> variables = new LinkedHashMap<>();
    private final Map<String, PtxKernel> kernels = new LinkedHashMap<>();
    private PtxVersion version = new PtxVersion(0, 0);
    private int target;

    ModuleParser(Tokens tokens) {
        this.tokens = tokens;
        declarations = new DeclarationParser(tokens);
    }

    PtxModule read() {
        header();
        while (!tokens.atEnd()) {
            directive();
        }
        List<PtxVariable> placed = variables.values().stream()
                .filter(x -> x.space() == Space.GLOBAL || x.space() == Space.CONST)
                .map(ModuleParser::variable)
                .toList();
        return new PtxModule(version, target, kernels, placed);
    }

    private static PtxVariable variable(Declaration declaration) {
        MemorySegment initial = declaration.initial();
        return new PtxVariable(
                declaration.name(),
                declaration.bytes(),
                declaration.alignment(),
                initial == null ? MemorySegment.ofArray(new byte[0]) : initial,
                declaration.space() == Space.CONST);
    }

    private void header() {
        tokens.expect(".version");
        String[] parts = tokens.next().text().split("\\.", -1);
        try {
            version = new PtxVersion(Integer.parseInt(parts[0]), Integer.parseInt(parts[parts.length - 1]));
        } catch (NumberFormatException e) {
            throw tokens.refuse("not a version of PTX");
        }
        tokens.expect(".target");
        String name = tokens.word().text();
        String digits = name.replaceFirst("^sm_([0-9]+)[af]?$", "$1");
        if (digits.equals(name)) {
            throw tokens.refuse("not a target that is known");
        }
        target = Integer.parseInt(digits);
        while (tokens.take(",")) {
            tokens.word();
        }
        tokens.expect(".address_size");
        if (tokens.number() != Long.SIZE) {
            throw tokens.refuse("only addresses of 64 bits are known");
        }
    }

    private void directive() {
        Token first = tokens.peek();
        switch (first.text()) {
            case ".file", ".loc" -> tokens.skipLine();
            case ".section" -> {
                tokens.skipPast("{");
                tokens.skipPast("}");
            }
            case ".pragma" -> tokens.skipPast(";");
            case ".visible", ".weak", ".extern", ".common" -> tokens.next();
            case ".entry" -> kernel();
            case ".func" -> throw tokens.refuse("functions are not supported; inline them");
            case ".global", ".const", ".shared" -> {
                do {
                    Declaration declaration = declarations.read();
                    variables.put(declaration.name(), declaration);
                } while (tokens.take(","));
                tokens.expect(";");
            }
            default -> throw tokens.refuse("unknown directive '" + first.text() + "'");
        }
    }

    private void kernel() {
        tokens.expect(".entry");
        Token name = tokens.word();
        List<PtxParameter> parameters = tokens.peek().is("(") ? parameters() : List.of();
        int maxThreads = maxThreads();
        Token body = tokens.peek();
        KernelScope scope = new KernelScope(tokens, variables, parameters);
        copies(scope);
        PtxKernel kernel =
                new PtxKernel(name.text(), parameters, maxThreads, scope, () -> readAgain(body, parameters), tokens);
        if (kernels.put(name.text(), kernel) != null) {
            throw tokens.refuse(name.line(), "a kernel for the second time");
        }
    }

    /// Reads a body, and returns the copies in it.
    private Copies copies(KernelScope scope) {
        BodyParser parser = new BodyParser(tokens, scope, new Copies());
        parser.read();
        return parser.found();
    }

    /// Reads a body twice, as what it copies is known behind it.
    private Op.Program readAgain(Token body, List<PtxParameter> parameters) {
        tokens.back(body);
        Copies known = copies(new KernelScope(tokens, variables, parameters));
        tokens.back(body);
        KernelScope scope = new KernelScope(tokens, variables, parameters);
        return scope.program(new BodyParser(tokens, scope, known).read());
    }

    private List<PtxParameter> parameters() {
        List<PtxParameter> parameters = new ArrayList<>();
        int end = 0;
        tokens.expect("(");
        while (!tokens.take(")")) {
            if (!parameters.isEmpty()) {
                tokens.expect(",");
            }
            Declaration declaration = declarations.read();
            int offset = Math.ceilDiv(end, declaration.alignment()) * declaration.alignment();
            end = offset + Math.toIntExact(declaration.bytes());
            parameters.add(new PtxParameter(declaration.name(), offset, end - offset));
        }
        return parameters;
    }

    /// Reads what stands between the parameters and the body.
    private int maxThreads() {
        int threads = DEFAULT_MAX_THREADS;
        while (!tokens.peek().is("{")) {
            String directive = tokens.next().text();
            switch (directive) {
                case ".maxntid", ".reqntid" -> {
                    threads = Math.toIntExact(tokens.number());
                    while (tokens.take(",")) {
                        threads *= Math.toIntExact(tokens.number());
                    }
                }
                case ".minnctapersm", ".maxnctapersm", ".maxnreg" -> tokens.number();
                case ".pragma" -> tokens.skipPast(";");
                default -> throw tokens.refuse("unknown directive '" + directive + "'");
            }
        }
        return threads;
    }
}

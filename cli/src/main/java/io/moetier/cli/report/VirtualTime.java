package io.moetier.cli.report;

import io.moetier.lab.device.VirtualDevice;
import io.moetier.runtime.session.Generator.Outcome;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntPredicate;

/// Times an answer by the clock of a device that is not there: what its GPU would have taken, by a model of it.
public final class VirtualTime {
    private final VirtualDevice device;
    private final double start;
    private double firstToken;
    private double end;

    /// Begins with the prompt.
    public VirtualTime(VirtualDevice device) {
        this.device = device;
        start = device.virtualNanos();
        firstToken = start;
        end = start;
    }

    /// Returns what hands tokens on to `next` and notes when they came.
    public IntPredicate watch(IntPredicate next) {
        return token -> {
            note();
            return next.test(token);
        };
    }

    /// Notes that a token has come.
    public void note() {
        end = device.virtualNanos();
        firstToken = firstToken == start ? end : firstToken;
    }

    /// Returns prompt tokens per second.
    double promptTokensPerSecond(Outcome outcome) {
        return perSecond(outcome.promptTokens(), firstToken - start);
    }

    /// Returns tokens per second after the first one.
    public double decodeTokensPerSecond(Outcome outcome) {
        return perSecond(outcome.generatedTokens() - 1, end - firstToken);
    }

    /// Returns the figures for a line.
    String words(Outcome outcome) {
        String answer =
                RunReport.hasRate(outcome) ? ", answer " + RunReport.rate(decodeTokensPerSecond(outcome)) + "/s" : "";
        return "prompt " + RunReport.rate(promptTokensPerSecond(outcome)) + "/s" + answer + " in the virtual time of "
                + device.kind() + " " + device.gpu();
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields(Outcome outcome) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("virtual_gpu", device.gpu());
        fields.put("virtual_prompt_tokens_per_second", promptTokensPerSecond(outcome));
        if (RunReport.hasRate(outcome)) {
            fields.put("virtual_generated_tokens_per_second", decodeTokensPerSecond(outcome));
        }
        return fields;
    }

    private static double perSecond(int count, double nanos) {
        return nanos <= 0 ? 0 : Math.max(0, count) * 1e9 / nanos;
    }
}

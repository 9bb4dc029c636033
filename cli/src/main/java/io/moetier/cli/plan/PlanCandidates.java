package io.moetier.cli.plan;

import io.moetier.cli.models.ModelSummary;
import io.moetier.lab.plan.Candidate;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.library.Stores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The forms in which a model could be run.
///
/// @param list the one that was named first
/// @param notes what no run loads
record PlanCandidates(List<Candidate> list, List<String> notes) {
    PlanCandidates {
        list = List.copyOf(list);
        notes = List.copyOf(notes);
    }

    /// Reads the headers of a model on this machine.
    static PlanCandidates of(Path model) {
        if (Stores.isStore(model)) {
            ModelSummary summary = ModelSummary.ofStore(model);
            return new PlanCandidates(
                    List.of(new Candidate(model.toString(), Optional.empty(), summary.weights(), summary.planned())),
                    List.of());
        }
        return ofSource(model, model.toString(), true);
    }

    /// Reads the headers of a model, which commands call `name`.
    ///
    /// @param rounded whether an import may round it
    static PlanCandidates ofSource(Path model, String name, boolean rounded) {
        try (ModelSource source = Stores.openSource(model)) {
            ModelSummary summary = ModelSummary.ofSource(source);
            List<Candidate> list = new ArrayList<>();
            list.add(new Candidate(name, Optional.empty(), summary.weights(), summary.planned()));
            if (rounded) {
                for (Rounding rounding : Rounding.values()) {
                    if (rounding != Rounding.KEEP) {
                        rounded(source, rounding, name, list.getFirst()).ifPresent(list::add);
                    }
                }
            }
            List<String> notes = Stores.notUsed(source.numGuessingTensors(), source.numEncoderTensors()).stream()
                    .map(text -> "not loaded: " + text)
                    .toList();
            return new PlanCandidates(list, notes);
        }
    }

    /// Returns the model as an import would round it; nothing where it would not become smaller.
    private static Optional<Candidate> rounded(ModelSource source, Rounding rounding, String name, Candidate kept) {
        ModelSummary summary;
        try {
            summary = ModelSummary.ofSource(source, Quantisation.of(rounding));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        return Optional.of(new Candidate(name, Optional.of(rounding.label()), rounding.label(), summary.planned()))
                .filter(candidate -> candidate.model().bytes() < kept.model().bytes());
    }
}

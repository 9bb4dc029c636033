package io.moetier.cli.plan;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.terminal.HubVariables;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.plan.Candidate;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.hub.Hub;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.library.Stores;
import io.moetier.storage.platform.Platform;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The forms in which a model could be run.
///
/// @param list the one that was named first
/// @param notes what no run loads
public record PlanCandidates(List<Candidate> list, List<String> notes) {
    public PlanCandidates {
        list = List.copyOf(list);
        notes = List.copyOf(notes);
    }

    /// Reads the headers of a model, wherever it is.
    ///
    /// @param model its path, or its name on the hub
    public static PlanCandidates named(String model, Surroundings surroundings, Streams streams) {
        return named(model, HubCandidates.MOST_MODELS, surroundings, streams);
    }

    /// Reads the headers of the one form of a model that its name means first.
    ///
    /// @param model its path, or its name on the hub
    public static Candidate firstNamed(String model, Surroundings surroundings, Streams streams) {
        return named(model, 1, surroundings, streams).list().getFirst();
    }

    private static PlanCandidates named(String model, int most, Surroundings surroundings, Streams streams) {
        if (model.isEmpty()) { // an unset shell variable must not become the current directory
            throw new IllegalArgumentException("MODEL must not be empty");
        }
        if (!HubName.isNamed(model)) {
            return of(LibraryTerminal.located(Path.of(model), surroundings, streams));
        }
        HubName name = HubName.parse(model);
        try {
            Path folder = Platform.temporaryFiles();
            return new HubCandidates(surroundings, streams, folder).of(name, most);
        } catch (UncheckedIOException e) {
            boolean offline = new HubVariables(surroundings).settings().offline();
            if (!offline && !Hub.isUnreachable(e)) {
                throw e;
            }
            Path there =
                    LibraryTerminal.finder(surroundings, streams).there(name).orElseThrow(() -> e);
            streams.note(e.getMessage() + "; taking what is there of " + name);
            return of(there);
        }
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

package io.moetier.lab.synthetic;

import io.moetier.storage.model.DType;

/// Every layer changes the residual stream as much as a token does, so that a router's choice follows from nothing.
record RandomRouting(ModelShape shape, DType tableType, RandomWeights random) implements Routing {
    @Override
    public String architecture() {
        return "olmoe";
    }

    @Override
    public boolean hasHeadNorms() {
        return true;
    }

    @Override
    public Rows embedding() {
        return (_, blocks) -> random.fill(tableType, 1, blocks);
    }

    @Override
    public Rows output() {
        return (_, blocks) -> random.fill(tableType, 1 / Math.sqrt(shape.hidden()), blocks);
    }

    @Override
    public double routerDeviation() {
        return 1;
    }

    @Override
    public double addedShare() {
        return 1;
    }
}

import Platform

/// A compute thread's life.
extension SchedulerCore {
    /// How long a thread that was woken for work to come looks for it before it sleeps again: a small
    /// request's parsing and tokenizing.
    private static let expectationMaximum = TimeSpan.microseconds(50)

    /// Waits for a job, does it, says so, and goes on with the next until the scheduler stops.
    func serve(_ index: Int, _ worker: AnyWorker) {
        perform(.workerFree(index))
        var version = 0
        // Rung without a job: there will be one in a moment.
        var isExpecting = false
        while true {
            look(worker, &version)
            // In one step: a job that comes between two looks would be left behind by a thread
            // that goes, and the threads that help with it would wait for its end for ever.
            let (assigned, isStopping) = state.withLock {
                ($0.assigned[index].take(), $0.isStopping)
            }
            var job = assigned
            while let next = job {
                job = perform(next, on: worker, index)
                look(worker, &version)
            }
            if assigned != nil {
                isExpecting = false
                continue
            }
            if isStopping { return }
            if isExpecting {
                doorbells[index].wait(spinningFor: Self.expectationMaximum)
            } else {
                doorbells[index].wait()
            }
            isExpecting.toggle()
        }
    }

    /// Tells the worker when the models have changed since it looked last.
    private func look(_ worker: AnyWorker, _ version: inout Int) {
        let newest = modelsVersion.load(ordering: .acquiring)
        guard newest != version else { return }
        version = newest
        worker.modelsChanged()
    }

    /// Does one job; answers the next when there is one already.
    private func perform(
        _ job: State.Job, on worker: AnyWorker, _ index: Int
    ) -> State.Job? {
        switch job {
        case .help(let team, let id): return help(team, id, index)
        case .run(let batch, let items, let team):
            let context = BatchContext(team: team, level: 0) { [self] in
                try interrupt(batch, at: 0, on: worker)
            }
            return finish(batch, compute(batch, items, on: worker, in: context))
        }
    }

    /// Takes parts of what another thread computes; answers this thread's next job.
    private func help(_ team: ComputeTeam, _ id: BatchID, _ index: Int) -> State.Job? {
        team.serve(until: recalls[index])
        let (job, effects) = state.withLock { state -> (State.Job?, [State.Effect]) in
            var effects: [State.Effect] = []
            // A thread whose batch has ended is free by that.
            if !team.isDismissed {
                effects = step(.helperLeft(worker: index, id), in: &state).effects
            }
            return (state.assigned[index].take(), effects)
        }
        carryOut(effects, on: index)
        return job
    }

    /// At a layer's end of a batch at some level: computes what may go first.
    private func interrupt(
        _ batch: BatchQueue.Batch, at level: Int, on worker: AnyWorker
    ) throws {
        guard hasCauseToInterrupt else { return }
        let (job, isDiscarded, effects) = state.withLock { state in
            let (actions, effects) = step(.layerDone(batch.id), in: &state)
            let job = state.assigned[batch.worker].take()
            return (job, actions.contains(.discard(batch.id)), effects)
        }
        carryOut(effects)
        if case .run(let inner, let items, let team) = job {
            let context = BatchContext(team: team, level: level + 1) { [self] in
                try interrupt(inner, at: level + 1, on: worker)
            }
            _ = finish(inner, compute(inner, items, on: worker, in: context))
        }
        if isDiscarded { throw BatchDiscarded() }
    }

    private func compute(
        _ batch: BatchQueue.Batch, _ items: [AnyItem], on worker: AnyWorker,
        in context: BatchContext
    ) -> State.Ended {
        observer?.batchStarted(
            worker: batch.worker, model: batch.model, items: batch.items.count,
            tokens: batch.tokens)
        let started = MonotonicTime.now
        let result = Result { () throws -> [AnyRow] in
            let outputs = try worker.run(items, context)
            guard outputs.count == batch.items.count else {
                throw RowCountError(expected: batch.items.count, found: outputs.count)
            }
            return outputs
        }
        // Before the queue hears of the end: it may give the helpers other work at once.
        context.team?.dismiss()
        var report = BatchReport(
            worker: batch.worker, model: batch.model, items: batch.items.count,
            tokens: batch.tokens, duration: MonotonicTime.now.interval(since: started))
        report.helpers = context.team?.helperTotal ?? 0
        report.isInterrupting = batch.interrupts != nil
        if case .failure = result { report.failed = true }
        observer?.batchFinished(report)
        return State.Ended(started: started, result: result)
    }

    /// Tells the queue, hands out the answers, and takes this thread's next job.
    private func finish(_ batch: BatchQueue.Batch, _ ended: State.Ended) -> State.Job? {
        var succeeded = true
        if case .failure = ended.result { succeeded = false }
        let (job, effects) = state.withLock { state in
            state.teams[batch.id] = nil
            let effects = step(
                .batchDone(batch.id, succeeded: succeeded), in: &state, of: ended
            ).effects
            return (state.assigned[batch.worker].take(), effects)
        }
        carryOut(effects, on: batch.worker)
        return job
    }
}

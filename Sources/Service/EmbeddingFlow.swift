import Batching
import HTTPServer
import Platform

/// The slices of a large request, as counted before any of it is computed.
struct SlicePlan: Sendable {
    struct Slice: Sendable {
        var inputs: Range<Int>
        /// Texts and chunks.
        var items: Int
        /// As the queue counts them.
        var tokens: Int
    }

    private(set) var slices: [Slice] = []
    /// The texts of the first slice, which is computed first.
    private(set) var first = PreparedTexts()
    private(set) var items = 0
    private(set) var tokens = 0
    private(set) var truncated = 0
    private(set) var tokenization = TimeSpan.zero

    var inputCount: Int { slices.last?.inputs.upperBound ?? 0 }

    /// Counts the next slice.
    ///
    /// - Throws: a 400 when the texts have come to more than `itemsMaximum` chunks.
    mutating func add(_ texts: PreparedTexts, itemsMaximum: Int) throws(APIError) {
        if slices.isEmpty { first = texts }
        slices.append(
            Slice(
                inputs: inputCount..<texts.inputCount, items: texts.work.count,
                tokens: texts.work.reduce(0) { $0 + $1.queuedTokenCount }))
        items += texts.work.count
        tokens += texts.tokens
        truncated += texts.truncated
        tokenization.nanoseconds += texts.tokenization.nanoseconds
        guard items <= itemsMaximum else { throw PreparedTexts.tooManyItems(itemsMaximum) }
    }

    /// Items and tokens of the slices behind slice `place`.
    func rest(behind place: Int) -> (items: Int, tokens: Int) {
        slices[(place + 1)...].reduce((0, 0)) { ($0.0 + $1.items, $0.1 + $1.tokens) }
    }
}

/// A large request on its way: slice by slice tokenized, computed, and written.
///
/// Its slices are tokenized on the queue for that, when the scheduler wants them; their parts of the
/// body are written by the compute threads that end them.
final class EmbeddingFlow: Sendable {
    private struct State: Sendable {
        /// What has become of each slice: its part of the body.
        var parts: [[UInt8]?]
        /// Slices that the scheduler has, by its count of them.
        var entered: [Entered] = []
        /// The slice that is next to be tokenized.
        var next = 0
        var isCompleted = false
        var timings: BatchTimings?
    }

    private struct Entered: Sendable {
        var place: Int
        var recall: VectorRecall?
        var layouts: [InputLayout]
    }

    private let order: EmbeddingOrder
    private let plan: SlicePlan
    private let service: Service
    private let form: EmbeddingsResponse
    private let state: Locked<State>

    private var engine: Engine { order.model.engine }

    /// A request whose tokens have been taken from its client's quota.
    init(_ order: EmbeddingOrder, _ plan: SlicePlan, _ service: Service) {
        self.order = order
        self.plan = plan
        self.service = service
        form = order.form(tokens: plan.tokens, layouts: [])
        state = Locked(State(parts: Array(repeating: nil, count: plan.slices.count)))
    }

    func start() { enterNext(of: nil) }

    /// Tokenizes the next slice and hands to the scheduler what was not kept of it.
    ///
    /// Nothing is thrown that the count has not thrown before.
    private func enterNext(of ticket: Ticket?) {
        guard ticket != nil || !order.exchange.isAbandoned else {
            return fail(service.response(to: .draining, order.context))
        }
        let place = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        do throws(APIError) {
            let texts = try place == 0 ? plan.first : prepared(place)
            let recall = VectorRecall(texts.keys, in: engine.cache)
            guard recall.missing.isEmpty else { return try enter(place, texts, recall, ticket) }
            keep(form.part(recall.vectors, layouts: texts.layouts, from: first(of: place)), place)
            try skip(place, ticket)
        } catch {
            ticket.map { engine.scheduler.cancel($0) }
            fail(service.response(to: error, order.context))
        }
    }

    private func first(of place: Int) -> Int { plan.slices[place].inputs.lowerBound }

    private func prepared(_ place: Int) throws(APIError) -> PreparedTexts {
        let inputs = plan.slices[place].inputs
        var texts = PreparedTexts(from: inputs.lowerBound)
        try texts.take(
            inputs.count, of: order.body, by: order.preparation, truncates: true,
            itemsMaximum: service.configuration.inputsMaximum)
        return texts
    }

    /// Goes on behind a slice of which every vector was there already.
    private func skip(_ place: Int, _ ticket: Ticket?) throws(APIError) {
        if place + 1 < plan.slices.count {
            service.preparation.async { self.enterNext(of: ticket) }
        } else if let ticket {
            engine.scheduler.extend(ticket, with: BatchSlice(items: [], tokenCounts: []))
        } else {
            service.countAdmitted(plan.items, tokens: plan.tokens, order.model, of: order.context)
            complete(nil)
        }
    }

    private func enter(
        _ place: Int, _ texts: PreparedTexts, _ recall: VectorRecall, _ ticket: Ticket?
    ) throws(APIError) {
        // First: the slice may end before the scheduler returns.
        state.withLock {
            $0.entered.append(Entered(place: place, recall: recall, layouts: texts.layouts))
        }
        let rest = plan.rest(behind: place)
        let engine = engine
        let items = recall.missing.map { Engine.Job(engine: engine, work: texts.work[$0]) }
        let tokenCounts = items.map(\.work.queuedTokenCount)
        let keys = recall.missing.map { texts.keys[$0] }
        guard let ticket else {
            var batch = BatchRequest(items: items, tokenCounts: tokenCounts, contentKeys: keys)
            (batch.itemsToCome, batch.tokensToCome) = rest
            return try submit(batch)
        }
        var slice = BatchSlice(items: items, tokenCounts: tokenCounts, contentKeys: keys)
        (slice.itemsToCome, slice.tokensToCome) = rest
        engine.scheduler.extend(ticket, with: slice)
    }

    private func submit(_ slice: BatchRequest<Engine.Job>) throws(APIError) {
        var batch = slice
        let (context, exchange, scheduler) = (order.context, order.exchange, engine.scheduler)
        batch.model = engine.id
        batch.client = context.client.share
        batch.priority = order.urgency.priority(tokens: plan.tokens, ofKey: context.priority)
        batch.deadline = order.urgency.timeout.map { exchange.receivedAt.advanced(by: $0) }
        let flow = SliceFlow<[Float]>(
            wantsMore: { ticket in self.service.preparation.async { self.enterNext(of: ticket) } },
            sliceDone: { number, rows in self.sliceDone(number, rows) })
        let admission = scheduler.submit(batch, flow: flow) { result, timings in
            switch result {
            case .success: self.complete(timings)
            case .failure(let failure):
                self.fail(self.service.response(to: failure, context))
            }
        }
        switch admission {
        case .failure(let refusal):
            service.giveBack(plan.tokens, to: context)
            throw service.apiError(for: refusal)
        case .success(let ticket):
            service.countAdmitted(plan.items, tokens: plan.tokens, order.model, of: context)
            exchange.onAbandon { scheduler.cancel(ticket) }
        }
    }

    /// Writes a slice's part of the body, on the compute thread that ended it.
    private func sliceDone(_ number: Int, _ rows: [[Float]]) {
        let (slice, recall) = state.withLock { state in
            // What was kept of it is not needed any more.
            (state.entered[number], state.entered[number].recall.take())
        }
        let vectors = recall?.completed(with: rows, keepingIn: engine.cache) ?? rows
        guard service.areFinite(vectors, of: order.context) else {
            return fail(service.response(to: .inferenceFailed, order.context))
        }
        let part = form.part(vectors, layouts: slice.layouts, from: first(of: slice.place))
        keep(part, slice.place)
    }

    private func keep(_ part: [UInt8], _ place: Int) {
        respondWhenDone { $0.parts[place] = part }
    }

    /// The scheduler has no more to do for this request; another thread may still write a part.
    private func complete(_ timings: BatchTimings?) {
        respondWhenDone {
            $0.isCompleted = true
            $0.timings = timings
        }
    }

    private func fail(_ response: Response) {
        // The exchange takes the first response alone.
        order.exchange.respond(response)
    }

    private func respondWhenDone(_ change: (inout State) -> Void) {
        let done = state.withLock { state -> (parts: [[UInt8]], timings: BatchTimings?)? in
            change(&state)
            guard state.isCompleted, state.parts.allSatisfy({ $0 != nil }) else { return nil }
            state.isCompleted = false
            defer { state.parts = [] }
            return (state.parts.compactMap(\.self), state.timings)
        }
        guard let done else { return }
        var response = service.json(form.body(of: done.parts), order.context)
        Service.complete(
            &response, truncated: plan.truncated, tokenization: plan.tokenization, done.timings)
        order.exchange.respond(response)
    }
}

//! A Qdrant server for tests: the real one's protocol, over shards of the engine that runs in the process.
//!
//! It answers what `QdrantIndex` asks, in the way that the real one does; whatever else would come is refused. A dev-dependency only,
//! of a crate of its own: the engine takes long to build, and most tests do without.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test whose server cannot go on ends")]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ::qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use ::qdrant_client::qdrant::points_server::{Points, PointsServer};
use ::qdrant_client::qdrant::*;
use qdrant_edge as edge;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

struct Shard {
    edge: edge::EdgeShard,
    /// Shards and copies that were asked for.
    spread: (Option<u32>, Option<u32>),
    fields: Vec<String>,
    _folder: tempfile::TempDir,
}

/// What the server holds; it outlives the server, as files would.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<BTreeMap<String, Arc<Mutex<Shard>>>>>);

impl Held {
    /// The collections that there are.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    /// How many shards a collection was asked to be spread over, and how many copies of each.
    #[must_use]
    pub fn spread(&self, name: &str) -> (Option<u32>, Option<u32>) {
        let shard = Arc::clone(&self.0.lock().unwrap()[name]);
        let shard = shard.lock().unwrap();
        shard.spread
    }

    /// How many points a collection has of all organisations.
    #[must_use]
    pub fn points(&self, name: &str) -> usize {
        let shard = Arc::clone(&self.0.lock().unwrap()[name]);
        let shard = shard.lock().unwrap();
        shard.edge.count(edge::CountRequest { filter: None, exact: true }).unwrap()
    }
}

/// A server that ends when it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it holds.
    pub held: Held,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Clone)]
struct Service {
    held: Held,
    key: Option<String>,
    /// Refuses every write after so many.
    writes: Arc<Mutex<Option<usize>>>,
}

impl Server {
    /// A server on a spare port that holds nothing yet, and asks for the key, where one is given.
    #[must_use]
    pub fn start(key: Option<&str>) -> Self {
        Self::over(Held::default(), key, None)
    }

    /// A server over what another one held, which fails after so many writes.
    #[must_use]
    pub fn over(held: Held, key: Option<&str>, writes: Option<usize>) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), held, key, writes)
    }

    /// The same at an address.
    #[must_use]
    pub fn at(address: SocketAddr, held: Held, key: Option<&str>, writes: Option<usize>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let service = Service { held: held.clone(), key: key.map(str::to_owned), writes: Arc::new(Mutex::new(writes)) };
        let entered = runtime.enter();
        let incoming = tonic::transport::server::TcpIncoming::bind(address).unwrap();
        let address = incoming.local_addr().unwrap();
        drop(entered);
        let router = tonic::transport::Server::builder()
            .add_service(CollectionsServer::new(service.clone()))
            .add_service(PointsServer::new(service).max_decoding_message_size(usize::MAX));
        runtime.spawn(router.serve_with_incoming(incoming));
        Self { address, held, runtime: Some(runtime) }
    }

    /// Its address for gRPC.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            if tokio::runtime::Handle::try_current().is_ok() {
                // Asynchronous code must not wait.
                runtime.shutdown_background();
            } else {
                // Its port is free afterwards.
                runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            }
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

impl Service {
    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let given = request.metadata().get("api-key").and_then(|key| key.to_str().ok());
        match &self.key {
            Some(key) if given != Some(key) => Err(Status::unauthenticated("Invalid API key or JWT")),
            _ => Ok(()),
        }
    }

    fn write<T>(&self, request: &Request<T>) -> Result<(), Status> {
        self.admit(request)?;
        match &mut *self.writes.lock().unwrap() {
            Some(0) => Err(Status::internal("Service internal error: No space left on device")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Works on a collection, on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Shard) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let shard = self.held.0.lock().unwrap().get(name).cloned();
        let shard = shard.ok_or_else(|| Status::not_found(format!("Collection `{name}` doesn't exist!")))?;
        tokio::task::spawn_blocking(move || work(&mut shard.lock().unwrap())).await.map_err(failed)?
    }

    async fn update(&self, name: &str, operation: edge::UpdateOperation) -> Answer<PointsOperationResponse> {
        self.with(name, |shard| shard.edge.update(operation).map_err(failed)).await?;
        Ok(Response::new(PointsOperationResponse::default()))
    }
}

/// Methods that nobody calls.
macro_rules! refuse {
    ($($name:ident($request:ty) -> $response:ty;)*) => {
        // As `tonic::async_trait` writes methods.
        $(fn $name<'life0, 'async_trait>(
            &'life0 self,
            _: Request<$request>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Answer<$response>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
        })*
    };
}

#[tonic::async_trait]
impl Collections for Service {
    async fn get(&self, request: Request<GetCollectionInfoRequest>) -> Answer<GetCollectionInfoResponse> {
        self.admit(&request)?;
        let fields = self.with(&request.into_inner().collection_name, |shard| Ok(shard.fields.clone())).await?;
        let payload_schema = fields.into_iter().map(|field| (field, PayloadSchemaInfo::default())).collect();
        let result = Some(CollectionInfo { payload_schema, ..CollectionInfo::default() });
        Ok(Response::new(GetCollectionInfoResponse { result, time: 0.0 }))
    }

    async fn list(&self, request: Request<ListCollectionsRequest>) -> Answer<ListCollectionsResponse> {
        self.admit(&request)?;
        let collections = self.held.names().into_iter().map(|name| CollectionDescription { name }).collect();
        Ok(Response::new(ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(&self, request: Request<CreateCollection>) -> Answer<CollectionOperationResponse> {
        self.write(&request)?;
        let request = request.into_inner();
        let spread = (request.shard_number, request.replication_factor);
        let mut config = edge::EdgeConfigBuilder::new().on_disk_payload(true);
        for name in request.sparse_vectors_config.unwrap_or_default().map.into_keys() {
            config = config.sparse_vector(name, edge::EdgeSparseVectorParams::default());
        }
        if let Some(vectors_config::Config::ParamsMap(dense)) = request.vectors_config.and_then(|config| config.config)
        {
            for (name, params) in dense.map {
                assert_eq!(params.distance(), Distance::Cosine);
                let size = usize::try_from(params.size).unwrap();
                config = config.vector(name, edge::EdgeVectorParamsBuilder::new(size, edge::Distance::Cosine).build());
            }
        }
        let config = config.build();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let made = tokio::task::spawn_blocking(move || edge::EdgeShard::new(&path, config)).await.map_err(failed)?;
        let shard = Shard { edge: made.map_err(failed)?, spread, fields: Vec::new(), _folder: folder };
        let mut held = self.held.0.lock().unwrap();
        if held.contains_key(&request.collection_name) {
            return Err(Status::already_exists(format!("Collection `{}` already exists!", request.collection_name)));
        }
        held.insert(request.collection_name, Arc::new(Mutex::new(shard)));
        Ok(Response::new(CollectionOperationResponse { result: true, time: 0.0 }))
    }

    refuse! {
        update(UpdateCollection) -> CollectionOperationResponse;
        delete(DeleteCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        collection_exists(CollectionExistsRequest) -> CollectionExistsResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[tonic::async_trait]
impl Points for Service {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Answer<PointsOperationResponse> {
        self.write(&request)?;
        let request = request.into_inner();
        assert_eq!(request.wait, Some(true));
        let points = request.points.into_iter().map(|point| {
            let payload = point.payload.into_iter().map(|(key, value)| (key, json(value))).collect();
            edge::PointStructPersisted {
                id: to_id(point.id),
                vector: to_vectors(point.vectors),
                payload: Some(edge::Payload(payload)),
            }
        });
        let operation = edge::PointInsertOperations::PointsList(points.collect());
        let operation = edge::UpdateOperation::PointOperation(edge::PointOperations::UpsertPoints(operation));
        self.update(&request.collection_name, operation).await
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Answer<PointsOperationResponse> {
        self.write(&request)?;
        let request = request.into_inner();
        let Some(points_selector::PointsSelectorOneOf::Filter(filter)) =
            request.points.and_then(|points| points.points_selector_one_of)
        else {
            return Err(Status::unimplemented("without a filter"));
        };
        let operation = edge::PointOperations::DeletePointsByFilter(to_filter(filter)?);
        self.update(&request.collection_name, edge::UpdateOperation::PointOperation(operation)).await
    }

    async fn update_vectors(&self, request: Request<UpdatePointVectors>) -> Answer<PointsOperationResponse> {
        self.write(&request)?;
        let request = request.into_inner();
        let points = request
            .points
            .into_iter()
            .map(|point| edge::PointVectorsPersisted { id: to_id(point.id), vector: to_vectors(point.vectors) });
        let operation = edge::UpdateVectorsOp { points: points.collect(), update_filter: None };
        let operation = edge::VectorOperations::UpdateVectors(operation);
        self.update(&request.collection_name, edge::UpdateOperation::VectorOperation(operation)).await
    }

    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        self.write(&request)?;
        let request = request.into_inner();
        let schema = match request.field_type() {
            FieldType::Keyword => edge::PayloadSchemaType::Keyword,
            FieldType::Integer => edge::PayloadSchemaType::Integer,
            other => return Err(Status::unimplemented(format!("{other:?}"))),
        };
        let index = edge::CreateIndex {
            field_name: request.field_name.parse().unwrap(),
            field_schema: Some(edge::PayloadFieldSchema::FieldType(schema)),
        };
        let operation = edge::UpdateOperation::FieldIndexOperation(edge::FieldIndexOperations::CreateIndex(index));
        let field = request.field_name;
        self.with(&request.collection_name, |shard| {
            shard.fields.push(field);
            shard.edge.update(operation).map_err(failed)
        })
        .await?;
        Ok(Response::new(PointsOperationResponse::default()))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        if request.limit == Some(0) {
            return Err(Status::invalid_argument(
                "Validation error in body: [limit: value 0 invalid, must be 1 or larger]",
            ));
        }
        let asked = edge::ScrollRequest {
            offset: request.offset.map(|offset| to_id(Some(offset))),
            limit: request.limit.map(|limit| limit as usize),
            filter: request.filter.map(to_filter).transpose()?,
            with_payload: Some(with_payload(request.with_payload)),
            with_vector: with_vectors(request.with_vectors),
            order_by: None,
        };
        let (records, next) =
            self.with(&request.collection_name, |shard| shard.edge.scroll(asked).map_err(failed)).await?;
        let result = records.into_iter().map(|record| RetrievedPoint {
            id: Some(from_id(record.id)),
            payload: from_payload(record.payload),
            vectors: record.vector.map(from_vectors),
            ..RetrievedPoint::default()
        });
        let result = result.collect();
        Ok(Response::new(ScrollResponse { next_page_offset: next.map(from_id), result, ..ScrollResponse::default() }))
    }

    async fn query_batch(&self, request: Request<QueryBatchPoints>) -> Answer<QueryBatchResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let mut result = Vec::new();
        for question in request.query_points {
            let vector = match question.query.and_then(|query| query.variant) {
                Some(query::Variant::Nearest(VectorInput { variant: Some(vector) })) => match vector {
                    vector_input::Variant::Dense(dense) => edge::VectorInternal::Dense(dense.data),
                    vector_input::Variant::Sparse(sparse) => edge::VectorInternal::Sparse(edge::SparseVector {
                        indices: sparse.indices,
                        values: sparse.values,
                    }),
                    _ => return Err(Status::unimplemented("vector")),
                },
                _ => return Err(Status::unimplemented("query")),
            };
            let query = edge::QueryEnum::Nearest(edge::NamedQuery { query: vector, using: question.using });
            let asked = edge::QueryRequest {
                prefetches: Vec::new(),
                query: Some(edge::ScoringQuery::Vector(query)),
                filter: question.filter.map(to_filter).transpose()?,
                score_threshold: None,
                limit: usize::try_from(question.limit.unwrap_or(10)).unwrap(),
                offset: 0,
                params: None,
                with_vector: edge::WithVector::Bool(false),
                with_payload: false.into(),
            };
            let points = self.with(&request.collection_name, |shard| shard.edge.query(asked).map_err(failed)).await?;
            let points = points.into_iter().map(|point| ScoredPoint {
                id: Some(from_id(point.id)),
                score: point.score,
                ..ScoredPoint::default()
            });
            result.push(BatchResult { result: points.collect() });
        }
        Ok(Response::new(QueryBatchResponse { result, ..QueryBatchResponse::default() }))
    }

    async fn facet(&self, request: Request<FacetCounts>) -> Answer<FacetResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let asked = edge::FacetRequest {
            key: request.key.parse().unwrap(),
            limit: usize::try_from(request.limit.unwrap_or(10)).unwrap(),
            filter: request.filter.map(to_filter).transpose()?,
            exact: request.exact.unwrap_or_default(),
        };
        let response = self.with(&request.collection_name, |shard| shard.edge.facet(asked).map_err(failed)).await?;
        let hits = response.hits.into_iter().map(|hit| {
            let edge::FacetValue::Keyword(value) = hit.value else { panic!("no keyword") };
            let value = Some(FacetValue { variant: Some(facet_value::Variant::StringValue(value)) });
            FacetHit { value, count: hit.count as u64 }
        });
        Ok(Response::new(FacetResponse { hits: hits.collect(), ..FacetResponse::default() }))
    }

    refuse! {
        get(GetPoints) -> GetResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        count(CountPoints) -> CountResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query(QueryPoints) -> QueryResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}

fn to_id(id: Option<PointId>) -> edge::PointId {
    match id.and_then(|id| id.point_id_options) {
        Some(point_id::PointIdOptions::Uuid(uuid)) => edge::PointId::Uuid(uuid.parse().unwrap()),
        Some(point_id::PointIdOptions::Num(number)) => edge::PointId::NumId(number),
        None => panic!("a point without a name"),
    }
}

fn from_id(id: edge::PointId) -> PointId {
    let id = match id {
        edge::PointId::Uuid(uuid) => point_id::PointIdOptions::Uuid(uuid.to_string()),
        edge::PointId::NumId(number) => point_id::PointIdOptions::Num(number),
    };
    PointId { point_id_options: Some(id) }
}

fn to_vectors(vectors: Option<Vectors>) -> edge::VectorStructPersisted {
    let Some(vectors::VectorsOptions::Vectors(named)) = vectors.and_then(|vectors| vectors.vectors_options) else {
        panic!("vectors without names");
    };
    let named = named.vectors.into_iter().map(|(name, vector)| {
        let vector = match vector.vector {
            Some(vector::Vector::Dense(dense)) => edge::VectorPersisted::Dense(dense.data),
            Some(vector::Vector::Sparse(sparse)) => {
                edge::VectorPersisted::Sparse(edge::SparseVector { indices: sparse.indices, values: sparse.values })
            }
            other => panic!("{other:?}"),
        };
        (name, vector)
    });
    edge::VectorStructPersisted::Named(named.collect())
}

fn from_vectors(vectors: edge::VectorStructInternal) -> VectorsOutput {
    let edge::VectorStructInternal::Named(named) = vectors else { panic!("vectors without names") };
    let named = named.into_iter().map(|(name, vector)| {
        let vector = match vector {
            edge::VectorInternal::Dense(data) => vector_output::Vector::Dense(DenseVector { data }),
            edge::VectorInternal::Sparse(sparse) => {
                vector_output::Vector::Sparse(SparseVector { values: sparse.values, indices: sparse.indices })
            }
            other => panic!("{other:?}"),
        };
        (name, VectorOutput { vector: Some(vector), ..VectorOutput::default() })
    });
    let named = NamedVectorsOutput { vectors: named.collect() };
    VectorsOutput { vectors_options: Some(vectors_output::VectorsOptions::Vectors(named)) }
}

fn with_payload(selector: Option<WithPayloadSelector>) -> edge::WithPayloadInterface {
    use with_payload_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options) {
        Some(SelectorOptions::Include(include)) => {
            let fields = include.fields.iter().map(|field| field.parse().unwrap());
            edge::WithPayloadInterface::Fields(fields.collect())
        }
        Some(SelectorOptions::Enable(enable)) => enable.into(),
        other => panic!("{other:?}"),
    }
}

fn with_vectors(selector: Option<WithVectorsSelector>) -> edge::WithVector {
    use with_vectors_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options) {
        Some(SelectorOptions::Include(include)) => edge::WithVector::Selector(include.names),
        Some(SelectorOptions::Enable(enable)) => edge::WithVector::Bool(enable),
        None => edge::WithVector::Bool(false),
    }
}

fn json(value: Value) -> serde_json::Value {
    match value.kind {
        Some(value::Kind::StringValue(text)) => text.into(),
        Some(value::Kind::IntegerValue(number)) => number.into(),
        Some(value::Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        other => panic!("{other:?}"),
    }
}

fn from_payload(payload: Option<edge::Payload>) -> HashMap<String, Value> {
    let value = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Number(number) => Value::from(number.as_i64().unwrap()),
        other => panic!("{other:?}"),
    };
    payload.into_iter().flat_map(|payload| payload.0).map(|(key, field)| (key, value(field))).collect()
}

fn to_filter(filter: Filter) -> Result<edge::Filter, Status> {
    if !filter.should.is_empty() || filter.min_should.is_some() {
        return Err(Status::unimplemented("should"));
    }
    let all = |conditions: Vec<Condition>| conditions.into_iter().map(to_condition).collect::<Result<Vec<_>, _>>();
    let (must, must_not) = (all(filter.must)?, all(filter.must_not)?);
    Ok(edge::Filter {
        should: None,
        min_should: None,
        must: (!must.is_empty()).then_some(must),
        must_not: (!must_not.is_empty()).then_some(must_not),
    })
}

fn to_condition(condition: Condition) -> Result<edge::Condition, Status> {
    use condition::ConditionOneOf;
    Ok(match condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => edge::Condition::Field(to_field(field)?),
        Some(ConditionOneOf::HasId(ids)) => {
            let ids = ids.has_id.into_iter().map(|id| to_id(Some(id)));
            edge::Condition::Filter(edge::Filter::new().with_point_ids(ids))
        }
        Some(ConditionOneOf::HasVector(has)) => {
            edge::Condition::HasVector(edge::HasVectorCondition { has_vector: has.has_vector })
        }
        Some(ConditionOneOf::Filter(filter)) => edge::Condition::Filter(to_filter(filter)?),
        other => return Err(Status::unimplemented(format!("{other:?}"))),
    })
}

fn to_field(field: FieldCondition) -> Result<edge::FieldCondition, Status> {
    let key: edge::JsonPath = field.key.parse().unwrap();
    if let Some(range) = field.range {
        let bound = |bound: Option<f64>| bound.map(edge::external::ordered_float::OrderedFloat);
        let range =
            edge::Range { lt: bound(range.lt), gt: bound(range.gt), gte: bound(range.gte), lte: bound(range.lte) };
        return Ok(edge::FieldCondition::new_range(key, range));
    }
    let any = match field.r#match.and_then(|matched| matched.match_value) {
        Some(r#match::MatchValue::Keyword(one)) => vec![one],
        Some(r#match::MatchValue::Keywords(many)) => many.strings,
        other => return Err(Status::unimplemented(format!("{other:?}"))),
    };
    let any = edge::AnyVariants::Strings(any.iter().map(|value| value.as_str().into()).collect());
    Ok(edge::FieldCondition::new_match(key, edge::Match::Any(edge::MatchAny { any })))
}

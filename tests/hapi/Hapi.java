import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.*;
import ca.uhn.fhir.jpa.api.dao.*;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.MemoryBinaryStorageSvcImpl;
import ca.uhn.fhir.jpa.config.*;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.*;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.*;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.rest.server.*;
import ca.uhn.fhir.rest.server.interceptor.*;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.util.*;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.*;
import org.eclipse.jetty.server.*;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.*;
import org.springframework.orm.jpa.*;

/**
 * HAPI FHIR JPA, R4, on the loopback interface: `Hapi PORT [FILE]`. Without a file H2 keeps all in memory. With one, what was answered
 * outlives a SIGKILL. The settings are those of hapi-fhir-jpaserver-starter's application.yaml: external references refused, integrity
 * enforced, searches reused for a minute, rest-hook Subscriptions on. Added to them: `$expunge`, and `Patient/$merge` with its undo.
 */
public class Hapi {
  /** H2's name of the database. WRITE_DELAY=0: its default, 500 ms, would lose to a SIGKILL what was answered already. */
  static String database = "mem:hapi";

  @Configuration
  @org.springframework.transaction.annotation.EnableTransactionManagement
  @Import({JpaR4Config.class, PackageLoaderConfig.class, HapiJpaConfig.class,
    ca.uhn.fhir.jpa.topic.SubscriptionTopicConfig.class, ca.uhn.fhir.jpa.batch2.JpaBatch2Config.class,
    ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig.class, ca.uhn.fhir.jpa.searchparam.config.NicknameServiceConfig.class,
    ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig.class,
    ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig.class,
    ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig.class,
    ca.uhn.fhir.jpa.searchparam.submit.config.SearchParamSubmitterConfig.class, ThreadPoolFactoryConfig.class})
  public static class Config {
    @Bean public DataSource dataSource() {
      BasicDataSource d = new BasicDataSource();
      d.setDriver(new org.h2.Driver());
      d.setUrl("jdbc:h2:" + database + ";DB_CLOSE_DELAY=-1");
      d.setUsername("sa"); d.setPassword(""); d.setMaxTotal(10);
      return d;
    }
    @Bean public LocalContainerEntityManagerFactoryBean entityManagerFactory(DataSource d, ConfigurableListableBeanFactory f, FhirContext c, JpaStorageSettings s) {
      LocalContainerEntityManagerFactoryBean b = HapiEntityManagerFactoryUtil.newEntityManagerFactory(f, c, s);
      b.setPersistenceUnitName("HAPI_PU"); b.setDataSource(d);
      Properties p = new Properties();
      p.put("hibernate.hbm2ddl.auto", "update"); p.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
      p.put("hibernate.search.enabled", "false"); p.put("hibernate.cache.use_query_cache", "false"); p.put("hibernate.cache.use_second_level_cache", "false");
      p.put("hibernate.jdbc.batch_size", "20");
      b.setJpaProperties(p); return b;
    }
    @Primary @Bean public JpaTransactionManager transactionManager(EntityManagerFactory e) { JpaTransactionManager t = new JpaTransactionManager(); t.setEntityManagerFactory(e); return t; }
    /** The starter's defaults (application.yaml): external references refused, integrity enforced, reuse of searches for a minute. */
    @Bean public JpaStorageSettings storageSettings() {
      JpaStorageSettings s = new JpaStorageSettings();
      s.setAllowExternalReferences(false); s.setEnforceReferentialIntegrityOnWrite(true); s.setEnforceReferentialIntegrityOnDelete(true);
      s.setExpungeEnabled(true);
      s.setReuseCachedSearchResultsForMillis(60000L); s.setFetchSizeDefaultMaximum(200);
      s.setHibernateSearchIndexSearchParams(false);
      s.setStoreMetaSourceInformation(JpaStorageSettings.StoreMetaSourceInformationEnum.NONE);
      return s;
    }
    @Bean public SubscriptionSettings subscriptionSettings() {
      SubscriptionSettings s = new SubscriptionSettings();
      s.addSupportedSubscriptionType(org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType.RESTHOOK);
      return s;
    }
    @Bean public PartitionSettings partitionSettings() { return new PartitionSettings(); }
    @Bean public IBinaryStorageSvc binaryStorage() { return new MemoryBinaryStorageSvcImpl(); }
    @Bean public IEmailSender emailSender() { return m -> {}; }
    @Bean public ca.uhn.fhir.jpa.term.api.ITermCodeSystemDeleteJobSvc termCodeSystemService() { return new ca.uhn.fhir.jpa.term.api.TermCodeSystemDeleteJobSvc(); }
  }
  public static void main(String[] a) throws Exception {
    int port = Integer.parseInt(a[0]);
    if (a.length > 1) database = "file:" + a[1] + ";WRITE_DELAY=0";
    AnnotationConfigApplicationContext x = new AnnotationConfigApplicationContext(Config.class);
    FhirContext ctx = x.getBean(FhirContext.class);
    ctx.getParserOptions().setDontStripVersionsFromReferencesAtPaths("Provenance.target"); // $hapi.fhir.undo-merge looks them up
    RestfulServer r = new RestfulServer(ctx);
    r.registerProviders(x.getBean("myResourceProvidersR4", ResourceProviderFactory.class).createProviders());
    r.registerProvider(x.getBean(JpaSystemProvider.class));
    r.registerProvider(x.getBean(ca.uhn.fhir.jpa.provider.merge.PatientMergeProvider.class));
    JpaCapabilityStatementProvider cs = new JpaCapabilityStatementProvider(r, x.getBean("mySystemDaoR4", IFhirSystemDao.class), x.getBean(JpaStorageSettings.class), x.getBean(ISearchParamRegistry.class), x.getBean(IValidationSupport.class));
    r.setServerConformanceProvider(cs);
    DatabaseBackedPagingProvider pg = x.getBean(DatabaseBackedPagingProvider.class);
    pg.setDefaultPageSize(20); pg.setMaximumPageSize(200);
    r.setPagingProvider(pg);
    r.setDefaultResponseEncoding(ca.uhn.fhir.rest.api.EncodingEnum.JSON);
    r.registerInterceptor(new ResponseHighlighterInterceptor());
    r.setInterceptorService(x.getBean(ca.uhn.fhir.interceptor.api.IInterceptorService.class));
    Server s = new Server(); ServerConnector c = new ServerConnector(s); c.setHost("127.0.0.1"); c.setPort(port); s.addConnector(c);
    ServletContextHandler h = new ServletContextHandler(); h.setContextPath("/");
    h.addServlet(new ServletHolder(r), "/fhir/*"); s.setHandler(h); s.start();
    System.out.println("HAPI up on " + port); s.join();
  }
}
